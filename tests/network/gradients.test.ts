import { describe, expect, test } from "vitest";
import { checkGradient } from "../../src/diagnostics/index.ts";
import type { Layer } from "../../src/layers/index.ts";
import {
  activation,
  dense,
  dropout,
  flatten,
  input,
  prelu,
  residual,
  scale,
  sequential,
} from "../../src/layers/index.ts";
import type { Loss } from "../../src/losses/index.ts";
import {
  binaryCrossEntropy,
  huber,
  meanSquaredError,
  softmaxCrossEntropy,
} from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import { ACTIVATIONS } from "../../src/ops/activation.ts";
import { blobs, linear } from "../support/data.ts";

/**
 * The loss, about 1, is a mean of 24 f32 row losses: known to about 2^-24 / sqrt(24) = 1.2e-8, so at a step of 1e-3 the difference
 * quotient is known to about 1.2e-5, against slopes of 0.03 and more. Curvature adds h^2 / 6 of the third derivative; a unit whose
 * kink lies within the step adds up to h times its share.
 */
const RELATIVE = 2e-3;

const classes = blobs(24, 6, 3);
const values = linear(24, 6, 3);

async function check(layers: readonly Layer[], loss: Loss = softmaxCrossEntropy()): Promise<void> {
  const data = loss.targets === "classes" ? classes : values;
  for (const seed of [1, 2, 3]) {
    const net = await Network.create({
      input: [6],
      body: sequential(...layers),
      loss,
      seed,
      variant: "simd",
    });
    // With zero biases a row whose units are all off puts the next layer exactly on its kink, where there is no slope.
    for (const { name, shape } of net.parameters) {
      if (name.endsWith("/bias"))
        net.setWeights(
          name,
          Array.from({ length: shape[0]! }, (_, i) => Math.sin(i + seed)),
        );
    }
    const { relativeError, analytic, numeric } = checkGradient(net, data, { seed });
    expect(relativeError, `seed ${seed}: ${analytic} against ${numeric}`).toBeLessThan(RELATIVE);
  }
}

describe("backpropagation equals the slope of the loss along a random direction", () => {
  const smooth = ACTIVATIONS.filter((name) => !/^(hard_|relu6)/.test(name));

  test.each(smooth)("%s fused into a dense layer", (name) =>
    check([dense(7, { activation: name }), dense(5, { activation: name }), dense(3)]),
  );

  test.each(smooth)("%s as a layer of its own", (name) =>
    check([dense(7), activation(name), dense(3)]),
  );

  test("without bias", () =>
    check([dense(7, { activation: "tanh", useBias: false }), dense(3, { useBias: false })]));

  test("leaky_relu with a slope, elu with a scale", async () => {
    await check([dense(7, { activation: { name: "leaky_relu", alpha: 0.3 } }), dense(3)]);
    await check([dense(7, { activation: { name: "elu", alpha: 0.5 } }), dense(3)]);
  });

  test("a negative slope is refused", () => {
    expect(() => dense(7, { activation: { name: "leaky_relu", alpha: -0.5 } })).toThrow(
      "activation leaky_relu: alpha must be finite and not negative, got -0.5",
    );
  });

  test("prelu, one slope and one a channel", async () => {
    await check([dense(7), prelu(), dense(3)]);
    await check([dense(7), prelu({ perChannel: true }), dense(3)]);
  });

  test("scale, one factor and one a channel", async () => {
    await check([dense(7), scale({ initial: 0.7 }), activation("tanh"), dense(3)]);
    await check([dense(7), scale({ initial: -1.3, perChannel: true }), dense(3)]);
    await check([residual(sequential(dense(6, { activation: "tanh" }), scale())), dense(3)]);
  });

  test("scale as the first layer, whose input needs no gradient", () =>
    check([scale({ perChannel: true }), dense(3)]));

  test("prelu as the first layer, whose input needs no gradient", () => check([prelu(), dense(3)]));

  test("residual blocks, one in another, and two in a row", () =>
    check([
      residual(
        sequential(dense(6, { activation: "tanh" }), residual(dense(6, { activation: "silu" }))),
      ),
      residual(dense(6, { activation: "tanh" })),
      dense(3),
    ]));

  test("a residual block around nothing doubles", () => check([residual(sequential()), dense(3)]));

  test("flatten and input keep the gradient's path", () =>
    check([input([2, 3]), flatten(), dense(5, { activation: "tanh" }), flatten(), dense(3)]));

  test("dropout, the mask of a step being the same in every pass", async () => {
    await check([dense(7, { activation: "tanh" }), dropout(0), dense(3)]);
    await check([dense(20, { activation: "tanh" }), dropout(0.4), dense(3)]);
    await check([dropout(0.2), dense(20, { activation: "tanh" }), dropout(0.4), dense(3)]);
  });

  test("each loss", async () => {
    const layers = [dense(7, { activation: "tanh" }), dense(3)];
    await check(layers, softmaxCrossEntropy({ labelSmoothing: 0.2 }));
    await check(layers, meanSquaredError());
    await check(layers, huber({ delta: 0.3 }));
    await check(layers, binaryCrossEntropy());
  });
});
