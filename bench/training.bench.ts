import type { ActivationName, Dataset, Optimizer, Tick } from "headstart";
import { adam, createDataset, dense, meanSquaredError, Network, sequential, sgd } from "headstart";
import { PlainMlp } from "./plain-mlp.ts";
import { report, variants } from "./support.ts";

interface Workload {
  readonly name: string;
  readonly widths: readonly number[];
  readonly activation: "relu" | "tanh";
  readonly batch: number;
  readonly optimizer: Optimizer;
}

/** Whole training steps, data resident, in calls of many steps; the baseline is the same network in plain JavaScript with sgd. */
const WORKLOADS: readonly Workload[] = [
  {
    name: "2-16-16-1 tanh, mse, batch 32, sgd",
    widths: [2, 16, 16, 1],
    activation: "tanh",
    batch: 32,
    optimizer: sgd({ learningRate: 0.05 }),
  },
  {
    name: "784-512-256-10 relu, batch 128, sgd",
    widths: [784, 512, 256, 10],
    activation: "relu",
    batch: 128,
    optimizer: sgd({ learningRate: 0.1 }),
  },
  {
    name: "784-512-256-10 relu, batch 128, adam",
    widths: [784, 512, 256, 10],
    activation: "relu",
    batch: 128,
    optimizer: adam(),
  },
  {
    name: "64-(128 x 50)-10 tanh, batch 64, sgd",
    widths: [64, ...Array<number>(50).fill(128), 10],
    activation: "tanh",
    batch: 64,
    optimizer: sgd(),
  },
];

export async function suite(): Promise<void> {
  const names = await variants();
  for (const workload of WORKLOADS) {
    const { name, widths, activation, batch, optimizer } = workload;
    const data = randomData(widths[0]!, widths.at(-1)!, batch * 8);
    const plain = new PlainMlp(widths, activation, batch, data);
    const runs: ((steps: number) => Promise<void>)[] = [async (steps) => plain.run(steps)];
    for (const variant of names) {
      const network = await Network.create({
        ...{ input: [widths[0]!], body: body(widths, activation), optimizer, variant, seed: 1 },
        ...(data.classes === 0 ? { loss: meanSquaredError() } : {}),
      });
      runs.push((steps) =>
        drain(network.fit(data, { steps, batchSize: batch, tickMilliseconds: 1000 })),
      );
    }
    const rates: number[] = [];
    for (const run of runs) rates.push(await medianRate(run));
    report(name, "steps/s", ["plain JS", ...names], rates);
  }
}

function body(widths: readonly number[], activation: ActivationName) {
  const last = widths.length - 2;
  return sequential(
    ...widths.slice(1).map((units, i) => dense(units, i < last ? { activation } : {})),
  );
}

/** Steps a second: the median of 7 runs of about 150 ms. */
async function medianRate(run: (steps: number) => Promise<void>): Promise<number> {
  let steps = 1;
  for (let seconds = 0; seconds < 0.15; ) {
    seconds = await secondsOf(run, steps);
    if (seconds < 0.15) steps = Math.ceil(steps * Math.min(10, 0.2 / Math.max(seconds, 1e-4)));
  }
  const rates: number[] = [];
  for (let i = 0; i < 7; i++) rates.push(steps / (await secondsOf(run, steps)));
  return rates.sort((a, b) => a - b)[3]!;
}

async function secondsOf(run: (steps: number) => Promise<void>, steps: number): Promise<number> {
  const start = performance.now();
  await run(steps);
  return (performance.now() - start) / 1000;
}

async function drain(ticks: AsyncGenerator<Tick>): Promise<void> {
  for await (const { state } of ticks) if (state === "diverged") throw new Error("diverged");
}

/** Uniform inputs; random classes, or random values when there is one output. */
function randomData(width: number, outputs: number, rows: number): Dataset {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const inputs = Float32Array.from({ length: rows * width }, () => next() * 2 - 1);
  const common = { name: "random", rows, shape: [width], inputs };
  if (outputs === 1) {
    return createDataset({
      ...common,
      targets: Float32Array.from({ length: rows }, next),
      classes: 0,
    });
  }
  const targets = Int32Array.from({ length: rows }, () => Math.floor(next() * outputs));
  return createDataset({ ...common, targets, classes: outputs });
}
