import { describe, expect, test } from "vitest";
import { dense, sequential } from "../../src/layers/index.ts";
import type { ParameterGroup } from "../../src/network/groups.ts";
import { Network } from "../../src/network/network.ts";
import type { Optimizer } from "../../src/optim/index.ts";
import { adamw, cosineDecay, momentum, rmsprop, sgd } from "../../src/optim/index.ts";
import { blobs } from "../support/data.ts";

const data = blobs(30, 6, 3);
const body = sequential(
  dense(8, { name: "a", activation: "tanh" }),
  dense(8, { name: "b", activation: "tanh" }),
  dense(3, { name: "c" }),
);

function create(optimizer: Optimizer, groups?: readonly ParameterGroup[]): Promise<Network> {
  const chosen = groups === undefined ? {} : { groups };
  return Network.create({ input: [6], body, optimizer, seed: 1, variant: "simd", ...chosen });
}

const step = (net: Network) => net.trainStep(data.inputs, data.targets);
const bits = (net: Network) => new Map(net.parameters.map(({ name }) => [name, net.weights(name)]));

const OPTIMIZERS = [
  sgd({ learningRate: 0.1, weightDecay: 0.1 }),
  momentum({ learningRate: 0.1 }),
  rmsprop({ learningRate: 0.1 }),
  adamw({ learningRate: 0.1, weightDecay: 0.1 }),
];

describe.each(OPTIMIZERS.map((optimizer) => [optimizer.kind, optimizer] as const))(
  "%s",
  (_, optimizer) => {
    test("frozen parameters keep their bits; the others move as they would", async () => {
      const [plain, frozen] = [
        await create(optimizer),
        await create(optimizer, [{ match: /^b\//, learningRateScale: 0 }]),
      ];
      const start = bits(plain);
      step(plain);
      step(frozen);
      for (const [name, values] of bits(frozen)) {
        const want = name.startsWith("b/") ? start.get(name) : bits(plain).get(name);
        expect(values, name).toEqual(want);
        expect(bits(plain).get(name)).not.toEqual(start.get(name));
      }
      for (let i = 0; i < 5; i++) step(frozen);
      expect(frozen.weights("b/kernel")).toEqual(start.get("b/kernel"));
    });

    test("a group moves as a network with the scaled rate does, and only it", async () => {
      const groups = [{ match: ["b/kernel", "c/bias"], learningRateScale: 0.25 }];
      const quarter = { ...optimizer, learningRate: 0.025 };
      const [plain, slow, mixed] = [
        await create(optimizer),
        await create(quarter),
        await create(optimizer, groups),
      ];
      for (const net of [plain, slow, mixed]) step(net);
      for (const [name, values] of bits(mixed)) {
        const of = groups[0]!.match.includes(name) ? slow : plain;
        expect(values, name).toEqual(of.weights(name));
      }
    });
  },
);

test("groups that change nothing leave every bit, with clipping and a schedule too", async () => {
  const optimizer = sgd({ learningRate: 0.1, clipNorm: 0.05, schedule: cosineDecay(10) });
  const [a, b] = [
    await create(optimizer),
    await create(optimizer, [{ match: /./, learningRateScale: 1 }]),
  ];
  for (let i = 0; i < 4; i++) {
    step(a);
    step(b);
  }
  expect(bits(b)).toEqual(bits(a));
});

test("the clipped norm is that of the parameters that learn", async () => {
  const net = await create(sgd({ learningRate: 1, clipNorm: 1e-3 }), [
    { match: /^[ab]/, learningRateScale: 0 },
  ]);
  const start = bits(net);
  step(net);
  let squares = 0;
  for (const [name, values] of bits(net)) {
    values.forEach((w, i) => {
      squares += (w - start.get(name)![i]!) ** 2;
    });
  }
  // f32 weights near 1 move in steps of 6e-8.
  expect(Math.sqrt(squares)).toBeCloseTo(1e-3, 6);
});

test("everything frozen stays, and steps are still counted", async () => {
  const net = await create(adamw({ clipNorm: 1 }), [{ match: /./, learningRateScale: 0 }]);
  const start = bits(net);
  step(net);
  expect(bits(net)).toEqual(start);
  expect(net.step).toBe(1);
});

test("the first group that matches counts; a saved network keeps its groups", async () => {
  const net = await create(sgd(), [
    { match: ["a/bias"], learningRateScale: 1 },
    { match: /^a/, learningRateScale: 0 },
  ]);
  const loaded = await Network.load(net.save(), { variant: "simd" });
  for (const n of [net, loaded]) {
    const start = bits(n);
    step(n);
    expect(n.weights("a/kernel")).toEqual(start.get("a/kernel"));
    expect(n.weights("a/bias")).not.toEqual(start.get("a/bias"));
  }
  expect(bits(loaded)).toEqual(bits(net));
});

test("mistakes are named", async () => {
  await expect(create(sgd(), [{ match: /^x/, learningRateScale: 0 }])).rejects.toThrow(
    "groups: /^x/ matches none of a/kernel, a/bias",
  );
  await expect(create(sgd(), [{ match: ["a"], learningRateScale: 0 }])).rejects.toThrow(
    'groups: "a" matches none of',
  );
  await expect(create(sgd(), [{ match: /a/, learningRateScale: -1 }])).rejects.toThrow(
    "groups: learningRateScale must be finite and not negative, got -1",
  );
});
