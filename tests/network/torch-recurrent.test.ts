import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import type { Layer } from "../../src/layers/index.ts";
import { bidirectional, dense, gru, lstm, sequential, simpleRnn } from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";

interface Fixture {
  readonly batch: number;
  readonly steps: number;
  readonly inputs: number;
  readonly units: number;
  readonly cases: readonly Case[];
}

interface Case {
  readonly name: string;
  readonly kind: "rnn" | "gru" | "lstm";
  readonly sequences: boolean;
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly activation: "tanh" | "relu";
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly outputShape: readonly number[];
  readonly outputGradient: readonly number[];
  readonly inputGradient: readonly number[];
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: readonly number[];
    readonly gradient: readonly number[];
  }[];
}

const torch: Fixture = JSON.parse(fs.readFileSync("tests/fixtures/torch-recurrent.json", "utf8"));

/** Both sides round to f32: sums of about 20 terms, five steps, two layers, both directions; about 200 roundings in the worst chain. */
const RELATIVE = 200 * 2 ** -24;

function expectClose(got: ArrayLike<number>, expected: readonly number[], what: string): void {
  const scale = Math.max(...expected.map(Math.abs));
  expect(got.length, what).toBe(expected.length);
  expected.forEach((x, i) => {
    if (!(Math.abs(got[i]! - x) <= RELATIVE * scale)) {
      expect.fail(`${what}: element ${i} is ${got[i]}, PyTorch has ${x} (scale ${scale})`);
    }
  });
}

function transpose(values: readonly number[], [rows = 0, cols = 0]: readonly number[]): number[] {
  return Array.from(
    { length: rows * cols },
    (_, i) => values[(i % rows) * cols + Math.floor(i / rows)]!,
  );
}

/** A dense identity in front, whose kernel's gradient is x' dx: that shows the gradient by the inputs. */
function bodyOf({
  kind,
  activation,
  layers,
  bidirectional: both,
  sequences,
  parameters,
}: Case): Layer {
  const useBias = parameters.some(({ name }) => name.startsWith("bias"));
  const make = (i: number): Layer => {
    const options = { useBias, returnSequences: i < layers - 1 || sequences };
    const layer = {
      rnn: () => simpleRnn(torch.units, { ...options, activation }),
      gru: () => gru(torch.units, options),
      lstm: () => lstm(torch.units, options),
    }[kind]();
    return both ? bidirectional(layer, { name: `layer_${i}` }) : { ...layer, name: `layer_${i}` };
  };
  const all = Array.from({ length: layers }, (_, i) => make(i));
  return sequential(dense(torch.inputs, { kernelInitializer: "identity", name: "front" }), ...all);
}

/** PyTorch's parameters under the names of ours: transposed, and the two biases as one except where a GRU keeps both. */
function convert(example: Case, pick: "values" | "gradient"): Map<string, number[]> {
  const result = new Map<string, number[]>();
  for (const { name, shape, [pick]: values } of example.parameters) {
    const [, what, share, layer, reverse] = /^(weight|bias)_(ih|hh)_l(\d)(_reverse)?$/.exec(name)!;
    const side = example.bidirectional ? (reverse ? "/backward" : "/forward") : "";
    const at = `layer_${layer}${side}`;
    if (what === "weight") {
      const kernel = share === "ih" ? "kernel" : "recurrent_kernel";
      result.set(`${at}/${kernel}`, transpose(values, shape));
    } else if (share === "ih") {
      result.set(`${at}/bias`, [...values]);
    } else if (example.kind === "gru") {
      result.set(`${at}/recurrent_bias`, [...values]);
    } else if (pick === "values") {
      const bias = result.get(`${at}/bias`)!;
      result.set(
        `${at}/bias`,
        bias.map((b, i) => b + values[i]!),
      ); // their gradients are the same
    }
  }
  return result;
}

const names: Variant[] = ["simd", "relaxed"];
const supported = await Promise.all(names.map(isSupported));

describe.each(names.filter((_, i) => supported[i]))("against PyTorch on %s", (variant) => {
  test.each(torch.cases)("$name: outputs and every gradient", async (example) => {
    const { batch, steps } = torch;
    const net = await Network.create({
      ...{ input: [steps, torch.inputs], body: bodyOf(example), variant, loss: meanSquaredError() },
    });
    const values = convert(example, "values");
    for (const [name, numbers] of values) net.setWeights(name, numbers);
    const ours = net.parameters.map(({ name }) => name).filter((name) => !name.startsWith("front"));
    expect(ours.sort()).toEqual([...values.keys()].sort());
    expect(net.outputShape).toEqual(example.outputShape);
    const outputs = net.predict(example.inputs);
    expectClose(outputs, example.outputs, "outputs");

    // The squared error whose gradient is the fixture's: 2 (y - t) / n.
    const n = outputs.length;
    const targets = outputs.map((y, i) => y - (example.outputGradient[i]! * n) / 2);
    const probed = net.probe(example.inputs, targets);
    for (const [name, gradient] of convert(example, "gradient")) {
      expectClose(net.gradient(name), gradient, name);
    }
    const front = probed.find(({ layer }) => layer === "front")!;
    expectClose(front.gradient!, example.inputGradient, "gradient by the inputs");
    expect(front.values.length).toBe(batch * steps * torch.inputs);
  });
});
