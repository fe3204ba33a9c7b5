import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { sizeOf, withMaskOf } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { concat, slice } from "../ops/columns.ts";
import { multiply } from "../ops/multiply.ts";
import type { NamedOptions } from "./activation.ts";
import { checkShape } from "./input.ts";
import type { Config, Layer } from "./layer.ts";
import { checkName, Scope } from "./layer.ts";
import { layerConfig } from "./serialise.ts";

/** A tensor of a graph that is being described. */
export interface GraphNode {
  /** Its place in the list of nodes. */
  readonly index: number;
}

/** A step of a graph: what it does, to which nodes before it. */
export type GraphStep =
  | { readonly op: "input"; readonly name: string; readonly shape: readonly number[] }
  /** `layer` counts in the graph's parts: steps with the same one share its parameters. */
  | { readonly op: "layer"; readonly layer: number; readonly from: readonly number[] }
  | { readonly op: "add" | "multiply"; readonly from: readonly number[] }
  | { readonly op: "concat"; readonly from: readonly number[]; readonly axis: number }
  | {
      readonly op: "slice";
      readonly from: readonly number[];
      readonly axis: number;
      readonly begin: number;
      readonly end: number;
    };

/** A graph as data. */
export interface GraphDescription {
  readonly steps: readonly GraphStep[];
  readonly parts: readonly Layer[];
  /** Nodes whose values are the graph's outputs, in order. */
  readonly outputs: readonly number[];
}

/** What describes a graph. Axes are those of one example: 0 is the first, -1 the last. */
export interface GraphBuilder {
  /** An input; a row of the graph's input holds all of them one behind the other, in the order of these calls. */
  input(name: string, shape: readonly number[]): GraphNode;
  /** A layer as a function: what it is applied to twice shares its parameters. The second argument is the context of cross-attention. */
  layer(layer: Layer): (x: GraphNode, context?: GraphNode) => GraphNode;
  /** A layer used once. */
  apply(layer: Layer, x: GraphNode, context?: GraphNode): GraphNode;
  add(...nodes: readonly GraphNode[]): GraphNode;
  multiply(...nodes: readonly GraphNode[]): GraphNode;
  /** The nodes one behind the other along an axis. Default axis: the last. */
  concat(nodes: readonly GraphNode[], options?: { readonly axis?: number }): GraphNode;
  /** Positions `begin` to `end` (left out) of an axis. Default axis: the last. */
  slice(
    x: GraphNode,
    options: { readonly begin: number; readonly end: number; readonly axis?: number },
  ): GraphNode;
}

/**
 * Layers that are no chain: several inputs and outputs, shared layers, sums, products, joins and slices.
 *
 * With several inputs an example of the network is one row of them all, one behind the other; so is its output, where `define` gives
 * several nodes. Layers inside have the graph's path before their own.
 */
export function graph(
  define: (builder: GraphBuilder) => GraphNode | readonly GraphNode[],
  { name }: NamedOptions = {},
): Layer {
  const steps: GraphStep[] = [];
  const parts: Layer[] = [];
  const made = new Set<GraphNode>();
  const push = (step: GraphStep): GraphNode => {
    const node = Object.freeze({ index: steps.push(step) - 1 });
    made.add(node);
    return node;
  };
  const of = (...nodes: readonly GraphNode[]): number[] =>
    nodes.map((node) => {
      if (made.has(node)) return node.index;
      throw new TypeError(
        "graph: expected nodes that this graph's functions gave, got another value",
      );
    });
  const layer = (part: Layer) => {
    const at = parts.push(part) - 1;
    return (x: GraphNode, context?: GraphNode) => {
      return push({ op: "layer", layer: at, from: context === undefined ? of(x) : of(x, context) });
    };
  };
  const result = define({
    input: (title, shape) => push({ op: "input", name: title, shape: [...shape] }),
    layer,
    apply: (part, ...nodes) => layer(part)(...nodes),
    add: (...nodes) => push({ op: "add", from: of(...nodes) }),
    multiply: (...nodes) => push({ op: "multiply", from: of(...nodes) }),
    concat: (nodes, { axis = -1 } = {}) => push({ op: "concat", from: of(...nodes), axis }),
    slice: (x, { begin, end, axis = -1 }) => push({ op: "slice", from: of(x), axis, begin, end }),
  });
  const outputs = of(...("index" in result ? [result] : result));
  return graphOf({ steps, parts, outputs }, name === undefined ? {} : { name });
}

/** The graph of a description. Throws where it is none. */
export function graphOf(description: GraphDescription, { name }: NamedOptions = {}): Layer {
  checkName("graph", name);
  check(description);
  const { steps, parts, outputs } = description;
  return {
    kind: "graph",
    ...(name === undefined ? {} : { name }),
    config: {
      steps: steps as unknown as Config,
      parts: parts.map(layerConfig),
      outputs: [...outputs],
    },
    build: (tape, x, path) => record(tape, x, path, description),
  };
}

/** Shapes of the inputs, in order. */
export function graphInputs(steps: readonly GraphStep[]): readonly (readonly number[])[] {
  return steps.flatMap((step) => (step.op === "input" ? [step.shape] : []));
}

function record(tape: Tape, x: Tensor, path: string, description: GraphDescription): Tensor {
  const { steps, parts, outputs } = description;
  const shapes = graphInputs(steps);
  const width = shapes.reduce((sum, shape) => sum + sizeOf(shape, path), 0);
  if (x.size / tape.batch !== width) {
    throw new RangeError(
      `${path}: its inputs are ${shapes.map((shape) => `[${shape}]`).join(" and ")}, ${width} numbers, got examples of shape [${x.shape.slice(1)}]`,
    );
  }
  const flat = shapes.length === 1 ? x : tape.view(x, [width]);
  const scope = new Scope(`${path}/`);
  const paths = new Map<number, string>();
  const nodes: Tensor[] = [];
  let begin = 0;

  const recordStep = (step: GraphStep, at: number): Tensor => {
    const own = `${path}/${step.op}_${at}`;
    if (step.op === "input") {
      if (shapes.length === 1) return tape.view(flat, step.shape);
      const end = begin + sizeOf(step.shape, own);
      const part = slice(tape, `${path}/${step.name}`, flat, { axis: 1, begin, end });
      begin = end;
      return tape.view(part, step.shape);
    }
    const from = step.from.map((i) => nodes[i]!);
    const [first] = from as [Tensor, ...Tensor[]];
    switch (step.op) {
      case "layer": {
        const part = parts[step.layer]!;
        const known = paths.get(step.layer);
        const layerPath = known ?? scope.path(part);
        paths.set(step.layer, layerPath);
        const build = () =>
          tape.within(layerPath, () => part.build(tape, first, layerPath, scope, from[1]));
        return withMaskOf(first, known === undefined ? build() : tape.again(build));
      }
      case "add":
      case "multiply": {
        const combine = step.op === "add" ? add : multiply;
        return withMaskOf(
          first,
          from.reduce((a, b) => combine(tape, own, a, b)),
        );
      }
      case "concat": {
        const axis = axisOf(own, step.axis, first);
        return withMaskOf(first, concat(tape, own, from, axis));
      }
      case "slice": {
        const axis = axisOf(own, step.axis, first);
        if (step.end > first.shape[axis]!) {
          throw new RangeError(
            `${own}: expected an end of at most ${first.shape[axis]}, the size of axis ${axis - 1} of [${first.shape.slice(1)}], got ${step.end}`,
          );
        }
        return withMaskOf(first, slice(tape, own, first, { ...step, axis }));
      }
    }
  };
  steps.forEach((step, at) => {
    nodes.push(tape.within(path, () => recordStep(step, at)));
  });
  const results = outputs.map((i) => nodes[i]!);
  if (results.length === 1) return results[0]!;
  const rows = results.map((y) => tape.view(y, [y.size / tape.batch]));
  return tape.within(path, () => concat(tape, path, rows, 1));
}

/** The axis with the batch as axis 0. */
function axisOf(where: string, axis: number, { shape }: Tensor): number {
  const at = axis < 0 ? shape.length + axis : axis + 1;
  if (at >= 1 && at < shape.length) return at;
  throw new RangeError(
    `${where}: there is no axis ${axis} in examples of shape [${shape.slice(1)}]`,
  );
}

function check({ steps, parts, outputs }: GraphDescription): void {
  const wrong = (what: string) => new TypeError(`graph: ${what}`);
  const names = new Set<string>();
  steps.forEach((step, at) => {
    const where = `step ${at}`;
    if (step.op === "input") {
      checkName("graph: input", step.name);
      checkShape(`graph: input ${step.name}`, step.shape);
      if (names.has(step.name)) throw wrong(`two inputs are called "${step.name}"`);
      names.add(step.name);
      return;
    }
    if (!["layer", "add", "multiply", "concat", "slice"].includes(step.op)) {
      throw wrong(`${where}: there is no "${String((step as GraphStep).op)}"`);
    }
    const { from } = step;
    if (!Array.isArray(from) || from.length === 0)
      throw wrong(`${where}: expected nodes, got none`);
    if (!from.every((i) => Number.isInteger(i) && i >= 0 && i < at)) {
      throw wrong(`${where}: expected nodes before it, got ${from.join()}`);
    }
    if (step.op === "layer") {
      const part = parts[step.layer];
      if (part === undefined) throw wrong(`${where}: there is no layer ${step.layer}`);
      if (from.length > (part.takesContext === true ? 2 : 1)) {
        throw wrong(
          `${where}: ${part.kind} takes ${part.takesContext === true ? 2 : 1} inputs, got ${from.length}`,
        );
      }
    }
    if ((step.op === "concat" || step.op === "slice") && !Number.isInteger(step.axis)) {
      throw wrong(`${where}: axis must be a whole number, got ${step.axis}`);
    }
    if (step.op === "slice") {
      const { begin, end } = step;
      if (!(Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin < end)) {
        throw wrong(`${where}: expected 0 <= begin < end, got ${begin} and ${end}`);
      }
    }
  });
  if (names.size === 0) throw wrong('expected at least one input; begin with input("x", [8])');
  if (!Array.isArray(outputs) || outputs.length === 0) throw wrong("expected at least one output");
  if (!outputs.every((i) => Number.isInteger(i) && i >= 0 && i < steps.length)) {
    throw wrong(`expected outputs among its nodes, got ${outputs.join()}`);
  }
}
