import { describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import type { Layer } from "../../src/layers/index.ts";
import { bidirectional, dense, gru, lstm, sequential, simpleRnn } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { draws } from "../support/checks.ts";
import { everybody } from "../support/threads.ts";

const [ROWS, STEPS, FEATURES, CLASSES] = [37, 5, 9, 4];

/** Wide enough for several threads to repay themselves in a step, odd, and with every kind of instruction. */
const BODIES: Readonly<Record<string, () => Layer>> = {
  "LSTMs, two directions": () =>
    sequential(
      bidirectional(lstm(65, { returnSequences: true, peepholes: true })),
      lstm(83, { stateful: true }),
      dense(CLASSES),
    ),
  "GRUs, both conventions": () =>
    sequential(
      gru(99, { returnSequences: true, goBackwards: true }),
      gru(83, { resetAfter: false }),
      dense(CLASSES),
    ),
  "simple RNNs": () =>
    sequential(simpleRnn(99, { returnSequences: true }), simpleRnn(150), dense(CLASSES)),
};

async function trained(body: Layer, threads: number, variant: Variant): Promise<string[]> {
  const net = await Network.create({ input: [STEPS, FEATURES], body, seed: 3, threads, variant });
  await everybody(net.core);
  const inputs = draws(ROWS * STEPS * FEATURES, 1);
  const labels = Int32Array.from({ length: ROWS }, (_, i) => i % CLASSES);
  for (let i = 0; i < 3; i++) expect(net.trainStep(inputs, labels).divergence).toBeUndefined();
  const all = net.parameters.map(({ name }) => new Uint32Array(net.weights(name).buffer).join());
  return [...all, new Uint32Array(net.predict(inputs).buffer).join()];
}

const VARIANTS: readonly Variant[] = (await isSupported("relaxed"))
  ? ["simd", "relaxed"]
  : ["simd"];

describe.each(VARIANTS)("the bits of a trained recurrent network on %s", (variant) => {
  test.each(Object.keys(BODIES))("are those of one thread on 2, 3, 5 and 8: %s", async (name) => {
    const body = BODIES[name]!();
    const one = await trained(body, 1, variant);
    for (const threads of [2, 3, 5, 8]) {
      expect(await trained(body, threads, variant), `${threads} threads`).toEqual(one);
    }
  });
});
