import type { Draw, Draws, Theory } from "../draw.ts";
import { placeMap } from "../maps.ts";
import { meanTopSingularValue, nudgedIdentity, splitProduct } from "../mimetic.ts";
import type { LinearMap, ParamSpec } from "../types.ts";
import { nameOf, size } from "../values.ts";
import type { Options } from "./scheme.ts";
import { number } from "./scheme.ts";

interface Nudge {
  readonly alpha: number;
  readonly beta: number;
}

/** The projections that a kernel holds, and what is asked of them. */
interface Attention {
  /** Drawn together, head by head, each of `rank` columns. */
  readonly pair?: { readonly query: LinearMap; readonly key: LinearMap; readonly rank: number };
  readonly value?: LinearMap;
  readonly output?: LinearMap;
  readonly heads: number;
  readonly qk: Nudge;
  /** Of V P: beta is negative for a positive option. */
  readonly vp: Nudge;
}

export function mimetic(options: Options, spec: ParamSpec): Draw {
  const attention = attentionOf(options, spec);
  return {
    distribution: "values",
    theory: theory(attention, size(spec.shape)),
    values: (draws) => {
      const values = new Float32Array(size(spec.shape));
      draw(values, attention, draws);
      return values;
    },
  };
}

function draw(
  values: Float32Array,
  { pair, value, output, heads, qk, vp }: Attention,
  draws: Draws,
): void {
  if (pair !== undefined) {
    const { query, key, rank } = pair;
    const n = query.inputs;
    for (let head = 0; head < heads; head++) {
      const a = nudgedIdentity(draws.normal(n * n, 1 + 2 * head), n, qk);
      const signs = Array.from(draws.uniform(rank, 2 + 2 * head), (u) => (u < 0.5 ? -1 : 1));
      const [q, k] = splitProduct(a, n, signs);
      placeMap(values, columns(query, head, rank), q);
      placeMap(values, columns(key, head, rank), k);
    }
  }
  const root = Math.sqrt(Math.abs(vp.beta));
  if (value !== undefined) {
    const n = value.inputs;
    placeMap(values, value, nudgedIdentity(new Float64Array(n * n), n, { alpha: 0, beta: root }));
  }
  if (output !== undefined) {
    const n = output.inputs;
    placeMap(values, output, nudgedIdentity(draws.normal(n * n, 1 + 2 * heads), n, vp), 1 / root);
  }
}

function columns(map: LinearMap, head: number, rank: number): LinearMap {
  return { ...map, offset: map.offset + head * rank * map.outputStride, outputs: rank };
}

/** From the sums of x and of x^2 over all cells. The squares of Q sum to its singular values, and so do K's. */
function theory({ pair, value, output, qk, vp }: Attention, cells: number): Theory {
  const root = Math.sqrt(Math.abs(vp.beta));
  let first = 0;
  let second = 0;
  if (pair !== undefined) {
    const { query, rank } = pair;
    second += 2 * query.outputs * meanTopSingularValue(qk.alpha, qk.beta, rank / query.inputs);
  }
  if (value !== undefined) {
    first += value.inputs * root;
    second += value.inputs * root ** 2;
  }
  if (output !== undefined) {
    first += (output.inputs * vp.beta) / root;
    second += (output.inputs * (vp.alpha ** 2 + vp.beta ** 2)) / root ** 2;
  }
  const mean = first / cells;
  const std = Math.sqrt(second / cells - mean * mean);
  const approximate = pair === undefined ? {} : ({ approximate: true } as const);
  return { mean, std, low: -Infinity, high: Infinity, ...approximate };
}

const PROJECTIONS = ["query", "key", "value", "output"] as const;

function attentionOf(options: Options, spec: ParamSpec): Attention {
  const { maps, parts = [] } = spec;
  const [query, key, value, output] = PROJECTIONS.map((part) => maps[parts.indexOf(part)]);
  const projection = value ?? output;
  if (projection !== undefined && projection.inputs !== projection.outputs) {
    throw new RangeError(
      `mimetic: expected square value and output projections, got ${nameOf(spec)}`,
    );
  }
  // A spec of no layer with heads is of one.
  const heads = options.heads === "auto" ? (spec.heads ?? 1) : number(options, "heads");
  const qk = { alpha: number(options, "alpha_qk"), beta: number(options, "beta_qk") };
  const vp = { alpha: number(options, "alpha_vp"), beta: -number(options, "beta_vp") };
  if (vp.beta === 0) throw new RangeError("mimetic: beta_vp must not be 0, got 0");
  return {
    ...(query === undefined && key === undefined ? {} : { pair: pairOf(query, key, heads, parts) }),
    ...(value === undefined ? {} : { value }),
    ...(output === undefined ? {} : { output }),
    ...{ heads, qk, vp },
  };
}

function pairOf(
  query: LinearMap | undefined,
  key: LinearMap | undefined,
  heads: number,
  parts: readonly string[],
): NonNullable<Attention["pair"]> {
  if (query === undefined || key === undefined) {
    throw new RangeError(
      `mimetic: expected query and key in one kernel, since they are drawn together, got ${parts.join(", ")}`,
    );
  }
  if (query.inputs !== key.inputs || query.outputs !== key.outputs) {
    throw new RangeError(
      `mimetic: expected query and key of one shape, got [${query.inputs}, ${query.outputs}] and [${key.inputs}, ${key.outputs}]`,
    );
  }
  const rank = query.outputs / heads;
  if (!(Number.isInteger(rank) && rank >= 1 && rank <= query.inputs)) {
    throw new RangeError(
      `mimetic: heads must divide ${query.outputs} outputs into at most ${query.inputs} a head, got ${heads}`,
    );
  }
  return { query, key, rank };
}
