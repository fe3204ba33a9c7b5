import { defaultInitializer } from "../init/defaults.ts";
import type { InitializerLike } from "../init/initializer.ts";
import { describeInitializer, initializer } from "../init/initializer.ts";
import { embeddingSpec, vectorSpec } from "../init/specs.ts";
import type { ActivationSpec } from "../init/types.ts";
import { addTable } from "../ops/add-table.ts";
import { affine } from "../ops/affine.ts";
import { embedding as embeddingOp } from "../ops/embedding.ts";
import { plainWeight } from "../ops/norm.ts";
import type { NamedOptions } from "./activation.ts";
import type { Layer } from "./layer.ts";
import { checkCount, checkName } from "./layer.ts";

const LINEAR: ActivationSpec = { name: "linear", alpha: 0 };

export interface EmbeddingOptions extends NamedOptions {
  /** Token 0 is padding: the output carries a mask, and the row of token 0 has no gradient. Default false. */
  readonly maskZero?: boolean;
  /** Default: normal with variance 1 / units, rows of length 1. */
  readonly embeddingInitializer?: InitializerLike;
}

/**
 * `y = W[token]`, W [vocabulary, units]: [time] tokens, whole numbers from 0 to vocabulary - 1 held as floats, give [time, units]. Its input
 * is the network's, or a part of it.
 */
export function embedding(
  vocabulary: number,
  units: number,
  options: EmbeddingOptions = {},
): Layer {
  checkCount("embedding: vocabulary", vocabulary);
  checkCount("embedding: units", units);
  checkName("embedding", options.name);
  if (vocabulary > 2 ** 24) {
    throw new RangeError(
      `embedding: vocabulary must be at most 2^24, beyond which floats skip whole numbers, got ${vocabulary}`,
    );
  }
  const { name, maskZero = false, embeddingInitializer: asked } = options;
  const chosen = initializer(asked ?? defaultInitializer("embedding", LINEAR).initializer);
  return {
    kind: "embedding",
    ...(name === undefined ? {} : { name }),
    config: { vocabulary, units, maskZero, embeddingInitializer: describeInitializer(chosen) },
    build(tape, x, path) {
      tape.expectTokens(path, x, vocabulary);
      const spec = embeddingSpec(vocabulary, units);
      const table = tape.param(`${path}/embedding`, spec, chosen, asked !== undefined);
      return embeddingOp(tape, path, x, table, maskZero);
    },
  };
}

export interface PositionalEmbeddingOptions extends NamedOptions {
  /** `learned`: a row of weights a position; `sinusoidal`: Vaswani et al. 2017, section 3.5, nothing to learn. Default `learned`. */
  readonly encoding?: "learned" | "sinusoidal";
  /** Of a learned one. Default: normal with standard deviation 0.02 (Radford et al. 2018; BERT). */
  readonly embeddingInitializer?: InitializerLike;
}

/** `y = x + P`, P [time, units] the same for every example: where in a sequence a position is. */
export function positionalEmbedding(options: PositionalEmbeddingOptions = {}): Layer {
  const { name, encoding = "learned", embeddingInitializer: asked } = options;
  checkName("positionalEmbedding", name);
  if (encoding !== "learned" && encoding !== "sinusoidal") {
    throw new RangeError(
      `positionalEmbedding: encoding is "learned" or "sinusoidal", got ${JSON.stringify(encoding)}`,
    );
  }
  const chosen = initializer(asked ?? "normal:std=0.02");
  return {
    kind: "positional_embedding",
    ...(name === undefined ? {} : { name }),
    config: { encoding, embeddingInitializer: describeInitializer(chosen) },
    build(tape, x, path) {
      const [, time, units, ...rest] = x.shape;
      if (time === undefined || units === undefined || rest.length > 0) {
        throw new RangeError(
          `${path}: expected sequences [time, features], got examples of shape [${x.shape.slice(1)}]`,
        );
      }
      if (encoding === "sinusoidal") {
        const table = tape.constant(`${path}/sinusoids`, () => sinusoids(time, units));
        return addTable(tape, path, x, table);
      }
      const spec = embeddingSpec(time, units);
      return addTable(
        tape,
        path,
        x,
        tape.param(`${path}/embedding`, spec, chosen, asked !== undefined),
      );
    },
  };
}

/** `P[t, 2 i] = sin(t / 10000^(2 i / units))`, `P[t, 2 i + 1] = cos` of the same. */
function sinusoids(time: number, units: number): Float32Array {
  return Float32Array.from({ length: time * units }, (_, at) => {
    const [t, c] = [Math.floor(at / units), at % units];
    const angle = t / 10000 ** ((c - (c % 2)) / units);
    return c % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

export interface TiedDenseOptions extends NamedOptions {
  /** Default true. */
  readonly useBias?: boolean;
  /** Default `zeros`. */
  readonly biasInitializer?: InitializerLike;
}

/**
 * `y = x W' + b` with the table W [vocabulary, units] of an embedding before it (Press & Wolf 2017): [.., units] gives [.., vocabulary].
 * The embedding is named by its path, or given, and then it has a name.
 */
export function tiedDense(embeddingLike: Layer | string, options: TiedDenseOptions = {}): Layer {
  const { name, useBias = true, biasInitializer: asked } = options;
  checkName("tiedDense", name);
  const path = typeof embeddingLike === "string" ? embeddingLike : embeddingLike.name;
  if (path === undefined) {
    throw new TypeError(
      'tiedDense: expected an embedding with a name, got one without; give it one: embedding(1000, 64, { name: "tokens" })',
    );
  }
  const chosen = initializer(asked ?? "zeros");
  return {
    kind: "tied_dense",
    ...(name === undefined ? {} : { name }),
    config: { embedding: path, useBias, biasInitializer: describeInitializer(chosen) },
    build(tape, x, own) {
      const table = tape.sharedParam(`${path}/embedding`);
      if (table === undefined) {
        throw new RangeError(`${own}: there is no embedding "${path}" before it`);
      }
      const [vocabulary = 0, units = 0] = table.spec.shape;
      if (x.shape.at(-1) !== units) {
        throw new RangeError(
          `${own}: expected ${units} features, as many as "${path}" has, got examples of shape [${x.shape.slice(1)}]`,
        );
      }
      const spec = vectorSpec(table.spec, "bias", vocabulary);
      const bias = useBias
        ? tape.param(`${own}/bias`, spec, chosen, asked !== undefined)
        : undefined;
      return affine(tape, own, x, {
        kernel: plainWeight(tape, table),
        bias,
        activation: LINEAR,
        transposed: true,
      });
    },
  };
}
