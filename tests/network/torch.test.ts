import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Variant } from "../../src/core/variants.ts";
import { isSupported } from "../../src/core/variants.ts";
import { createDataset } from "../../src/data/index.ts";
import { dense, sequential } from "../../src/layers/index.ts";
import { lossFromConfig, softmaxCrossEntropy } from "../../src/losses/index.ts";
import { Network } from "../../src/network/network.ts";
import type { ActivationName } from "../../src/ops/activation.ts";
import { optimizerFromConfig } from "../../src/optim/index.ts";

interface Fixture {
  readonly sizes: readonly number[];
  readonly inputs: readonly number[];
  readonly labels: readonly number[];
  readonly parameters: readonly (readonly number[])[];
  readonly networks: readonly {
    readonly activation: ActivationName;
    readonly labelSmoothing: number;
    readonly outputs: readonly number[];
    readonly loss: number;
    readonly gradients: readonly (readonly number[])[];
  }[];
  readonly optimizers: readonly {
    readonly kind: string;
    readonly options: Readonly<Record<string, number>>;
    readonly losses: readonly number[];
    readonly parameters: readonly (readonly number[])[];
  }[];
  readonly losses: {
    readonly outputs: readonly number[];
    readonly losses: readonly {
      readonly kind: string;
      readonly options: Readonly<Record<string, number>>;
      readonly targets: readonly number[];
      readonly loss: number;
      readonly gradient: readonly number[];
    }[];
  };
}

const torch: Fixture = JSON.parse(fs.readFileSync("tests/fixtures/torch.json", "utf8"));
const [inputs = 0, ...widths] = torch.sizes;

/** Both sides round each operation to f32; 3 layers of up to 8 terms and elementary functions leave about 30 roundings. */
const RELATIVE = 30 * 2 ** -24;
/** Ten steps feed the differences back through the network and, in adam, through g / sqrt(g^2). */
const RELATIVE_TEN_STEPS = 100 * RELATIVE;

function expectClose(got: ArrayLike<number>, expected: readonly number[], relative: number): void {
  const scale = Math.max(...expected.map(Math.abs));
  expect(got.length).toBe(expected.length);
  expected.forEach((x, i) => {
    if (!(Math.abs(got[i]! - x) <= relative * scale)) {
      expect.fail(`element ${i} is ${got[i]}, PyTorch has ${x} (scale ${scale})`);
    }
  });
}

async function network(
  variant: Variant,
  activation: ActivationName,
  options: Partial<Parameters<typeof Network.create>[0]> = {},
): Promise<Network> {
  const layers = widths.map((units, i) =>
    dense(units, i < widths.length - 1 ? { activation } : {}),
  );
  const net = await Network.create({
    input: [inputs],
    body: sequential(...layers),
    variant,
    ...options,
  });
  net.parameters.forEach(({ name }, i) => {
    net.setWeights(name, torch.parameters[i]!);
  });
  return net;
}

const names: Variant[] = ["simd", "relaxed"];
const supported = await Promise.all(names.map(isSupported));

describe.each(names.filter((_, i) => supported[i]))("against PyTorch on %s", (variant) => {
  test.each(torch.networks)(
    "outputs, loss and every gradient: $activation, smoothing $labelSmoothing",
    async (fixture) => {
      const { activation, labelSmoothing } = fixture;
      const net = await network(variant, activation, {
        loss: softmaxCrossEntropy({ labelSmoothing }),
      });
      expectClose(net.predict(torch.inputs), fixture.outputs, RELATIVE);
      net.probe(torch.inputs, torch.labels);
      net.parameters.forEach(({ name }, i) => {
        expectClose(net.gradient(name), fixture.gradients[i]!, RELATIVE);
      });
      const data = createDataset({
        name: "torch",
        rows: torch.labels.length,
        shape: [inputs],
        inputs: Float32Array.from(torch.inputs),
        targets: Int32Array.from(torch.labels),
        classes: 4,
      });
      expectClose([net.evaluate(data).loss], [fixture.loss], RELATIVE);
    },
  );

  test.each(torch.optimizers)(
    "ten steps of $kind $options",
    async ({ kind, options, losses, parameters }) => {
      const optimizer = optimizerFromConfig({ kind, ...options });
      const net = await network(variant, "relu", { optimizer });
      for (const loss of losses) {
        const step = net.trainStep(torch.inputs, torch.labels);
        expectClose([step.loss], [loss], RELATIVE_TEN_STEPS);
      }
      net.parameters.forEach(({ name }, i) => {
        expectClose(net.weights(name), parameters[i]!, RELATIVE_TEN_STEPS);
      });
    },
  );

  test.each(torch.losses.losses)(
    "the value and the gradient of $kind",
    async ({ kind, options, targets, loss, gradient }) => {
      // An identity layer: its outputs are the fixture's, the gradient of its input-shaped kernel is x' dy.
      const outputs = torch.losses.outputs;
      const net = await Network.create({
        input: [3],
        body: sequential(dense(3, { kernelInitializer: "identity" })),
        loss: lossFromConfig({ kind, ...options }),
        variant,
      });
      const traced = net.probe(outputs, targets).find(({ layer }) => layer === "dense");
      expectClose(traced!.gradient!, gradient, RELATIVE);
      const step = net.trainStep(outputs, targets);
      expectClose([step.loss], [loss], RELATIVE);
    },
  );
});
