import { expect, test } from "vitest";
import { dense } from "../../src/layers/index.ts";
import { Network } from "../../src/network/network.ts";
import { adam, adamw, momentum, nesterov, rmsprop, sgd } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";

test("fit refuses options there are none of, and names the nearest", async () => {
  const net = await Network.create({ input: [6], body: dense(3), variant: "simd" });
  const data = blobs(10, 6, 3);
  const fitWith = (options: object) => () => net.fit(data, options);
  expect(fitWith({ epoch: 3 })).toThrow('fit: there is no option "epoch"; did you mean "epochs"?');
  expect(fitWith({ lr: 3 })).toThrow(
    'fit: there is no option "lr"; there are epochs, steps, batchSize',
  );
  expect(fitWith({ epochs: 1, batchSize: 4, shuffle: false, tickMilliseconds: 1 })).not.toThrow();
});

test.each(Object.entries({ sgd, momentum, nesterov, rmsprop, adam, adamw }))(
  "%s refuses options there are none of",
  (kind, make) => {
    const wrong = (options: object) => () => make(options);
    expect(wrong({ learningrate: 1 })).toThrow(
      `${kind}: there is no option "learningrate"; did you mean "learningRate"?`,
    );
    expect(wrong({ lr: 1 })).toThrow(`${kind}: there is no option "lr"; there are learningRate`);
    expect(wrong({ learningRate: 1, clipNorm: 1, weightDecay: 0.1 })).not.toThrow();
  },
);

test("an option of another optimiser is no option", () => {
  expect(() => sgd({ momentum: 0.9 } as object)).toThrow('sgd: there is no option "momentum"');
  expect(() => adam({ beta3: 0.9 } as object)).toThrow('did you mean "beta1"?');
});
