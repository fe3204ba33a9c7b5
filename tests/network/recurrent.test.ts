import { describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import { Buffer, ref } from "../../src/graph/buffer.ts";
import type { GruOptions, Layer, LstmOptions } from "../../src/layers/index.ts";
import {
  bidirectional,
  dense,
  gru,
  layerConfig,
  layerFromConfig,
  lstm,
  sequential,
  simpleRnn,
} from "../../src/layers/index.ts";
import { meanSquaredError } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import { sgd } from "../../src/optim/index.ts";
import { draws } from "../support/checks.ts";
import type { Recurrence, State, Weights } from "../support/recurrent.ts";
import { recur } from "../support/recurrent.ts";

const CELLS = { simple_rnn: simpleRnn, gru, lstm };
const FEATURES = 3;

type Options = LstmOptions & GruOptions;

interface Case {
  readonly name: string;
  readonly cell: Recurrence["cell"];
  readonly options: Options;
  readonly units: number;
  readonly steps: number;
  readonly batch: number;
  readonly masked?: boolean;
}

const few = { units: 5, steps: 4, batch: 3 };

/** Every option on its own, and sizes about the width of a vector. */
const CASES: readonly Case[] = (["simple_rnn", "gru", "lstm"] as const).flatMap((cell) => {
  const make = (name: string, options: Options, more: Partial<Case> = {}): Case => {
    return { name: `${cell} ${name}`, cell, options, ...few, ...more };
  };
  const specific = {
    simple_rnn: [
      make("relu", { activation: "relu" }),
      make("elu", { activation: { name: "elu", alpha: 0.7 }, returnSequences: true }),
    ],
    gru: [
      make("reset before", { resetAfter: false }),
      make("reset before, sequences", { resetAfter: false, returnSequences: true }),
      make("reset before, masked", { resetAfter: false }, { masked: true }),
      make("reset before, masked", { resetAfter: false, returnSequences: true }, { masked: true }),
      make("reset before, one step", { resetAfter: false }, { steps: 1 }),
      make("relu, hard", { activation: "relu", recurrentActivation: "hard_sigmoid" }),
    ],
    lstm: [
      make("peepholes", { peepholes: true, peepholeInitializer: "normal:std=1" }),
      make("peepholes, sequences", {
        ...{ peepholes: true, peepholeInitializer: "normal:std=1", returnSequences: true },
      }),
      make(
        "peepholes, masked",
        { peepholes: true, peepholeInitializer: "normal:std=1" },
        { masked: true },
      ),
      make("peepholes, one step", { peepholes: true }, { steps: 1 }),
      make("relu, hard", { activation: "relu", recurrentActivation: "hard_sigmoid" }),
      make("leaky, tanh", { activation: "leaky_relu", recurrentActivation: "tanh" }),
    ],
  }[cell];
  return [
    make("last", {}),
    make("sequences", { returnSequences: true }),
    make("backwards", { goBackwards: true }),
    make("backwards, sequences", { goBackwards: true, returnSequences: true }),
    make("no bias", { useBias: false }),
    make("one unit", { returnSequences: true }, { units: 1 }),
    make("8 units", {}, { units: 8, steps: 3 }),
    make("18 units, 2 rows", { returnSequences: true }, { units: 18, batch: 2, steps: 2 }),
    make("one step", {}, { steps: 1 }),
    make("one row", { returnSequences: true }, { batch: 1 }),
    make("masked", {}, { masked: true, batch: 5 }),
    make("masked, sequences", { returnSequences: true }, { masked: true, batch: 5 }),
    make("masked, backwards", { goBackwards: true }, { masked: true, batch: 5 }),
    ...specific,
  ];
});

/** Row 0 is all there, row 1 hidden altogether, row 2 at its end, row 3 at its beginning, the others here and there. */
function maskOf(batch: number, steps: number): number[] {
  return Array.from({ length: batch * steps }, (_, i) => {
    const [row, t] = [Math.floor(i / steps), i % steps];
    if (row < 2) return 1 - row;
    if (row === 2) return t < steps / 2 ? 1 : 0;
    return row === 3 ? (t < steps / 2 ? 0 : 1) : (row + t) % 2;
  });
}

/** The layer, its inputs given a mask. */
function withMask(layer: Layer, mask: readonly number[]): Layer {
  return {
    ...layer,
    build(tape, x, path, scope) {
      const { arena } = tape.core;
      const buffer = new Buffer("mask", mask.length * 4, arena.allocate(mask.length * 4, "mask"));
      arena.f32(buffer.at!, mask.length).set(mask);
      const size = mask.length;
      const value = { buffer, needsGrad: false };
      const tensor = { shape: x.shape.slice(0, 2), size, data: ref(buffer), value };
      return layer.build(tape, Object.assign({ ...x }, { mask: tensor }), path, scope);
    },
  };
}

const BIASED = { biasInitializer: "normal:std=0.5" };

function layerOf({ cell, options, units, masked, batch, steps }: Case): Layer {
  const layer = CELLS[cell](units, { ...BIASED, ...options, name: "cell" });
  return masked ? withMask(layer, maskOf(batch, steps)) : layer;
}

function networkOf(example: Case, variant: Variant): Promise<Network> {
  return Network.create({
    ...{ input: [example.steps, 2], variant, seed: 5, loss: meanSquaredError() },
    body: sequential(dense(FEATURES, { name: "before" }), layerOf(example)),
    optimizer: sgd({ learningRate: 0 }),
  });
}

function weightsOf(values: ReadonlyMap<string, ArrayLike<number>>, at = "cell"): Weights {
  const [kernel, recurrent] = [`${at}/kernel`, `${at}/recurrent_kernel`].map((n) => values.get(n)!);
  return {
    ...{ kernel: kernel!, recurrent: recurrent!, bias: values.get(`${at}/bias`) },
    recurrentBias: values.get(`${at}/recurrent_bias`),
    peephole: values.get(`${at}/peephole`),
  };
}

function aboutOf({ cell, options, units }: Case): Recurrence {
  const alphas: Record<string, number> = { leaky_relu: 0.01, elu: 0.7 };
  const spec = (like: Options["activation"]) => {
    const name = typeof like === "string" ? like : like!.name;
    return { name, alpha: alphas[name] ?? 0 };
  };
  const { activation, recurrentActivation } = options;
  return {
    ...{ cell, units, resetAfter: options.resetAfter ?? true },
    ...(activation === undefined ? {} : { activation: spec(activation) }),
    ...(recurrentActivation === undefined
      ? {}
      : { recurrentActivation: spec(recurrentActivation) }),
    ...{ reverse: options.goBackwards ?? false, sequences: options.returnSequences ?? false },
  };
}

/** The whole network by its definition: a dense layer of every position, and the recurrence. */
function reference(
  example: Case,
  values: ReadonlyMap<string, ArrayLike<number>>,
  inputs: ArrayLike<number>,
): number[] {
  const { batch, steps } = example;
  const mask = example.masked ? maskOf(batch, steps) : undefined;
  const [w, b] = [values.get("before/kernel")!, values.get("before/bias")!];
  return Array.from({ length: batch }, (_, row) => {
    const x = Array.from({ length: steps }, (_, t) =>
      Array.from({ length: FEATURES }, (_, f) => {
        const at = (row * steps + t) * 2;
        return inputs[at]! * w[f]! + inputs[at + 1]! * w[FEATURES + f]! + b[f]!;
      }),
    );
    const rowMask = mask?.slice(row * steps, (row + 1) * steps);
    return recur(aboutOf(example), weightsOf(values), x, rowMask).outputs;
  }).flat();
}

function valuesOf(net: Network): Map<string, Float64Array> {
  return new Map(net.parameters.map(({ name }) => [name, Float64Array.from(net.weights(name))]));
}

/**
 * Pre-activations of about 25 terms below 4 in size err by 25 2^-24 4 at most, activations by 3 ULP, and four steps with
 * recurrent kernels of norm about 1 add those up: 4 (100 + 3) 2^-24 < 3e-5. Gradients add over steps and rows once more.
 */
const OUTPUT = 3e-5;
const GRADIENT = 1e-4;

const names: Variant[] = ["simd", "relaxed", "debug"];
const supported = await Promise.all(names.map(isSupported));
const VARIANTS = names.filter((_, i) => supported[i]);

describe.each(VARIANTS)("recurrent layers on %s", (variant) => {
  test.each(CASES)(
    "$name: outputs and every gradient are those of the formulas",
    async (example) => {
      const { batch, steps } = example;
      const net = await networkOf(example, variant);
      const inputs = draws(batch * steps * 2, 1, -1.5, 1.5);
      const values = valuesOf(net);
      const want = reference(example, values, inputs);
      const got = net.predict(inputs);
      expect(got.length).toBe(want.length);
      const worst = Math.max(...want.map((y, i) => Math.abs(y - got[i]!)));
      expect(worst).toBeLessThan(OUTPUT);
      expect(Math.max(...want.map(Math.abs))).toBeGreaterThan(0.05);

      const targets = draws(want.length, 2);
      const { loss } = net.lossAndGradient(inputs, targets);
      // A loss over every position leaves out those that the mask does.
      const isSequence = example.options.returnSequences === true;
      const mask = example.masked && isSequence ? maskOf(batch, steps) : [1];
      const width = want.length / mask.length;
      const counts = want.map((_, i) => mask[Math.floor(i / width)] !== 0);
      const counted = counts.filter(Boolean).length;
      const lossOf = (y: readonly number[]) =>
        y.reduce((sum, v, i) => sum + (counts[i] ? (v - targets[i]!) ** 2 : 0), 0) / counted;
      expect(Math.abs(loss - lossOf(want))).toBeLessThan(OUTPUT);
      // By central differences in f64, whose own error is far below that of f32.
      for (const [name, all] of values) {
        const gradient = net.gradient(name);
        const exact = all.map((w, i) => {
          const [high, low] = [1e-5, -1e-5].map((h) => {
            all[i] = w + h;
            return lossOf(reference(example, values, inputs));
          });
          all[i] = w;
          return (high! - low!) / 2e-5;
        });
        const scale = Math.max(1e-3, ...exact.map(Math.abs));
        exact.forEach((g, i) => {
          if (!(Math.abs(g - gradient[i]!) <= GRADIENT * scale)) {
            expect.fail(`${name}[${i}] is ${gradient[i]}, expected ${g} (scale ${scale})`);
          }
        });
      }
    },
  );
});

describe("recurrent layers", () => {
  test("carried states go on from batch to batch, until they are reset", async () => {
    for (const cell of ["simple_rnn", "gru", "lstm"] as const) {
      const example: Case = { ...few, name: "", cell, options: { returnSequences: true } };
      const net = await networkOf(
        { ...example, options: { ...example.options, stateful: true } },
        "simd",
      );
      const values = valuesOf(net);
      const inputs = draws(3 * 8 * 2, 4);
      // Eight steps at once, by definition; then as two batches of four.
      const long = reference({ ...example, steps: 8 }, values, inputs);
      const part = (from: number) =>
        Float32Array.from(
          [0, 1, 2].flatMap((row) => [
            ...inputs.subarray((row * 8 + from) * 2, (row * 8 + from + 4) * 2),
          ]),
        );
      const expected = (from: number) =>
        [0, 1, 2].flatMap((row) => long.slice((row * 8 + from) * 5, (row * 8 + from + 4) * 5));
      const close = (got: Float32Array, want: number[]) =>
        Math.max(...want.map((y, i) => Math.abs(y - got[i]!)));
      for (let round = 0; round < 2; round++) {
        expect(close(net.predict(part(0)), expected(0)), cell).toBeLessThan(OUTPUT);
        expect(close(net.predict(part(4)), expected(4)), cell).toBeLessThan(OUTPUT);
        expect(close(net.predict(part(0)), expected(0)), cell).toBeGreaterThan(0.01);
        net.resetStates();
      }
      // Training has states of its own; what only looks at gradients does not move them.
      const targets = draws(3 * 4 * 5, 9);
      const first = net.lossAndGradient(part(0), targets).loss;
      net.predict(part(0));
      expect(net.lossAndGradient(part(0), targets).loss).toBe(first);
      expect(net.trainStep(part(0), targets).loss).toBe(first);
      expect(net.trainStep(part(0), targets).loss).not.toBe(first);
      net.resetStates();
      expect(net.trainStep(part(0), targets).loss).toBe(first);
    }
  });

  test("the gradients of a batch with a carried state treat that state as given", async () => {
    for (const cell of ["simple_rnn", "gru", "lstm"] as const) {
      for (const more of [{}, { resetAfter: false, peepholes: true }] as Options[]) {
        const options: Options = { ...more, stateful: true };
        const example: Case = { ...few, name: "", cell, options };
        const net = await networkOf(example, "simd");
        const [before, inputs] = [draws(3 * 4 * 2, 4), draws(3 * 4 * 2, 5)];
        const targets = draws(3 * 5, 6);
        net.trainStep(before, targets); // rate 0
        net.lossAndGradient(inputs, targets);
        const values = valuesOf(net);
        const forward = (x: ArrayLike<number>, starts?: readonly State[]) =>
          [0, 1, 2].map((row) => {
            const [w, b] = [values.get("before/kernel")!, values.get("before/bias")!];
            const rows = [0, 1, 2, 3].map((t) =>
              [0, 1, 2].map((f) => {
                const at = (row * 4 + t) * 2;
                return x[at]! * w[f]! + x[at + 1]! * w[FEATURES + f]! + b[f]!;
              }),
            );
            const about = aboutOf(example);
            return recur(about, weightsOf(values), rows, undefined, starts?.[row]);
          });
        const starts = forward(before).map(({ end }) => end);
        const lossAt = () =>
          forward(inputs, starts)
            .flatMap(({ outputs }) => outputs)
            .reduce((sum, y, i) => sum + (y - targets[i]!) ** 2 / 15, 0);
        for (const [name, all] of values) {
          const gradient = net.gradient(name);
          const exact = all.map((w, i) => {
            const [high, low] = [1e-5, -1e-5].map((h) => {
              all[i] = w + h;
              return lossAt();
            });
            all[i] = w;
            return (high! - low!) / 2e-5;
          });
          const scale = Math.max(1e-3, ...exact.map(Math.abs));
          const worst = Math.max(...exact.map((g, i) => Math.abs(g - gradient[i]!)));
          expect(worst / scale, `${cell} ${name}`).toBeLessThan(GRADIENT);
        }
      }
    }
  });

  test.each(["concat", "sum"] as const)(
    "two directions, %s, are two layers put together",
    async (merge) => {
      for (const returnSequences of [false, true]) {
        const body = sequential(
          bidirectional(lstm(5, { returnSequences }), { merge, name: "both" }),
        );
        const net = await Network.create({ input: [4, 3], body, loss: meanSquaredError() });
        const values = valuesOf(net);
        const inputs = draws(2 * 12, 3);
        const want = [0, 1].flatMap((row) => {
          const x = [0, 1, 2, 3].map((t) => [
            ...inputs.subarray(row * 12 + t * 3, row * 12 + t * 3 + 3),
          ]);
          const [f, b] = [false, true].map((reverse) => {
            const weights = weightsOf(values, reverse ? "both/backward" : "both/forward");
            const about = { cell: "lstm", units: 5, reverse, sequences: returnSequences } as const;
            return recur(about, weights, x).outputs;
          });
          const positions = returnSequences ? 4 : 1;
          return Array.from({ length: positions }, (_, t) => {
            const [p, q] = [f!, b!].map((y) => y.slice(t * 5, t * 5 + 5));
            return merge === "concat" ? [...p!, ...q!] : p!.map((v, i) => v + q![i]!);
          }).flat();
        });
        const got = net.predict(inputs);
        expect(Math.max(...want.map((y, i) => Math.abs(y - got[i]!)))).toBeLessThan(OUTPUT);
        expect(got.length).toBe(want.length);
      }
    },
  );

  test("a sequence's mask goes on to the next layer", async () => {
    const mask = maskOf(3, 4);
    const outputs = await Promise.all(
      [lstm, (units: number, options: object) => bidirectional(lstm(units, options))].flatMap(
        (first) =>
          [
            lstm(5),
            withMask(lstm(5), mask),
            withMask(
              lstm(5),
              mask.map(() => 1),
            ),
          ].map(async (second) => {
            const named = { ...second, name: "second" };
            const masked = withMask(first(5, { returnSequences: true }), mask);
            const body = sequential(masked, named);
            const net = await Network.create({ input: [4, 3], body, loss: meanSquaredError() });
            return net.predict(draws(3 * 12, 3));
          }),
      ),
    );
    expect(outputs[0]).toEqual(outputs[1]);
    expect(outputs[0]).not.toEqual(outputs[2]);
    expect(outputs[3]).toEqual(outputs[4]);
    expect(outputs[3]).not.toEqual(outputs[5]);
  });

  test("one product gives the inputs' share of all steps, and one each the gradients", async () => {
    const [batch, steps, features, units] = [32, 64, 32, 128];
    const body = sequential(lstm(units), dense(10));
    const net = await Network.create({ input: [steps, features], body });
    const costs = net.costs({ batchSize: batch }).filter(({ layer }) => layer === "lstm");
    const products = costs.filter(({ op }) => op === "gemm");
    // Each step but the first has a product with its state, forward and back.
    expect(products).toHaveLength(1 + 2 * (steps - 1) + 2);
    const kernels = 2 * steps * features * 4 * units + 3 * (steps - 1) * units * 4 * units;
    expect(products.reduce((sum, { flops = 0 }) => sum + flops, 0)).toBe(2 * batch * kernels);
    expect(costs.filter(({ op }) => /lstm/.test(op))).toHaveLength(2 * steps);
    expect(costs.length).toBeLessThanOrEqual(4 * steps + 6);
  });

  test("a description makes the layer again", () => {
    const layers = [
      simpleRnn(4, { activation: "relu", name: "r", useBias: false }),
      gru(4, { resetAfter: false, goBackwards: true, recurrentActivation: "hard_sigmoid" }),
      lstm(4, { peepholes: true, stateful: true, returnSequences: true, unitForgetBias: false }),
      bidirectional(gru(3), { merge: "sum", name: "b" }),
    ];
    for (const layer of layers) {
      expect(layerConfig(layerFromConfig(layerConfig(layer)))).toEqual(layerConfig(layer));
    }
  });

  test("the forget gate's bias begins at 1, unless it is told not to", async () => {
    const at = async (layer: Layer) => {
      const net = await Network.create({ input: [2, 3], body: layer, loss: meanSquaredError() });
      return [...net.weights("lstm/bias")];
    };
    expect(await at(lstm(2))).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    expect(await at(lstm(2, { unitForgetBias: false }))).toEqual(Array(8).fill(0));
    expect((await at(lstm(2, { biasInitializer: "chrono:t_max=50" }))).some((b) => b > 1)).toBe(
      true,
    );
  });

  test("presets give both directions the library's values, and leave peepholes alone", async () => {
    const schemes = async (preset: "torch" | "keras") => {
      const body = sequential(
        bidirectional(gru(3, { returnSequences: true })),
        lstm(3, { peepholes: true }),
      );
      const net = await Network.create({ input: [2, 3], body, loss: meanSquaredError(), preset });
      return new Map(net.parameters.map(({ name, initializer }) => [name, initializer.scheme]));
    };
    const torch = await schemes("torch");
    const { "lstm/peephole": peephole, ...others } = Object.fromEntries(torch);
    expect(peephole).toBe("zeros");
    expect(new Set(Object.values(others))).toEqual(new Set(["rnn_default"]));
    const keras = await schemes("keras");
    expect(keras.get("lstm/peephole")).toBe("zeros");
    expect(keras.get("lstm/bias")).toBe("forget_bias");
    expect(keras.get("bidirectional/backward/recurrent_kernel")).toBe("orthogonal");
  });

  test("what does not fit is refused by name", async () => {
    const create = (body: Layer, input: number[]) =>
      Network.create({ input, body, loss: meanSquaredError() });
    await expect(create(lstm(3), [4])).rejects.toThrow(/lstm: expected sequences.*got .*\[4\]/);
    expect(() => lstm(0)).toThrow(/lstm: units/);
    expect(() => gru(3, { activation: "gelu" })).toThrow(/gru: expected an activation whose slope/);
    expect(() => bidirectional(dense(3))).toThrow(/bidirectional: .*got dense/);
    expect(() => bidirectional(lstm(3), { merge: "mean" as "sum" })).toThrow(/merge/);
  });
});
