import { describe, expect, test } from "vitest";
import { lint } from "../../src/diagnostics/lint.ts";
import { predict } from "../../src/diagnostics/predict.ts";
import { recommend } from "../../src/diagnostics/recommend.ts";
import type { Layer } from "../../src/index.ts";
import {
  bidirectional,
  dense,
  gru,
  lstm,
  Network,
  sequential,
  simpleRnn,
} from "../../src/index.ts";

const create = (steps: number, ...layers: Layer[]) =>
  Network.create({ input: [steps, 3], body: sequential(...layers, dense(4)) });

const found = (network: Network) => lint(network).map((f) => `${f.rule} ${f.parameter}`);

describe("diagnostics of recurrent networks", () => {
  test("a forget bias of 0 is found where sequences are long, in both directions", async () => {
    const short = { unitForgetBias: false };
    expect(found(await create(100, lstm(6, short)))).toEqual(["forget-bias-zero lstm/bias"]);
    expect(found(await create(8, lstm(6, short)))).toEqual([]);
    expect(found(await create(100, lstm(6)))).toEqual([]);
    expect(found(await create(100, lstm(6, { biasInitializer: "chrono" })))).toEqual([]);
    expect(found(await create(100, bidirectional(lstm(6, short))))).toEqual(
      ["forward", "backward"].map((way) => `forget-bias-zero bidirectional/${way}/bias`),
    );
    expect(lint(await create(100, lstm(6, short)))[0]!.message).toContain("100 steps leave 8e-31");
  });

  test("a kernel of zeros moves behind a tanh state, and is stuck behind a relu state", async () => {
    const zeros = { kernelInitializer: "zeros" };
    expect(found(await create(5, simpleRnn(6, { ...zeros, activation: "relu" })))).toContain(
      "stuck-at-zero simple_rnn/kernel",
    );
    for (const layer of [simpleRnn(6, zeros), gru(6, zeros), lstm(6, zeros)]) {
      expect(found(await create(5, layer)).filter((f) => f.startsWith("stuck"))).toEqual([]);
    }
    const both = bidirectional(simpleRnn(6, { ...zeros, activation: "relu" }));
    expect(found(await create(5, both)).filter((f) => f.startsWith("stuck"))).toHaveLength(2);
  });

  test("a prediction is refused by the layer's name, and recommendations are given", async () => {
    for (const layer of [simpleRnn(6), gru(6), lstm(6), bidirectional(gru(6))]) {
      const network = await create(5, layer);
      expect(() => predict(network)).toThrow(new RegExp(`"${layer.kind}" of ${layer.kind}`));
      const body = sequential(layer, dense(4));
      expect(() => predict({ input: [5, 3], body })).toThrow(new RegExp(layer.kind));
      expect(() => recommend(network)).not.toThrow();
    }
  });
});
