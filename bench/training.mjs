import { adam, createDataset, dense, meanSquaredError, Network, sequential, sgd } from "headstart";
import { isSupported } from "headstart/core";

/** Whole training steps, data resident, in calls of many steps; the baseline is the same step in plain JavaScript. */
const WORKLOADS = [
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
    widths: [64, ...Array(50).fill(128), 10],
    activation: "tanh",
    batch: 64,
    optimizer: sgd(),
  },
];

export async function suite() {
  const variants = [];
  for (const variant of ["simd", "relaxed"]) if (await isSupported(variant)) variants.push(variant);
  for (const workload of WORKLOADS) {
    const { name, widths, activation, batch, optimizer } = workload;
    const data = makeData(widths[0], widths.at(-1), batch * 8);
    const runners = [plainRunner(widths, activation, batch, data)];
    for (const variant of variants) {
      const layers = widths
        .slice(1)
        .map((units, i) => dense(units, i < widths.length - 2 ? { activation } : {}));
      const isRegression = data.classes === 0;
      const network = await Network.create({
        ...{ input: [widths[0]], body: sequential(...layers), optimizer, variant, seed: 1 },
        ...(isRegression ? { loss: meanSquaredError() } : {}),
      });
      runners.push({
        name: variant,
        run: (steps) =>
          drain(network.fit(data, { steps, batchSize: batch, tickMilliseconds: 1000 })),
      });
    }
    const rates = [];
    for (const { run } of runners) rates.push(await medianRate(run));
    const cells = runners.map(
      (r, i) => `${r.name} ${rates[i].toFixed(0)} (x${(rates[i] / rates[0]).toFixed(1)})`,
    );
    console.log(`${name.padEnd(38)} steps/s  ${cells.join("   ")}`);
  }
}

/** Steps a second: the median of 7 runs of about 150 ms. */
async function medianRate(run) {
  let steps = 1;
  let seconds = 0;
  while (seconds < 0.15) {
    const start = performance.now();
    await run(steps);
    seconds = (performance.now() - start) / 1000;
    if (seconds < 0.15) steps = Math.ceil(steps * Math.min(10, 0.2 / Math.max(seconds, 1e-4)));
  }
  const rates = [];
  for (let i = 0; i < 7; i++) {
    const start = performance.now();
    await run(steps);
    rates.push(steps / ((performance.now() - start) / 1000));
  }
  return rates.sort((a, b) => a - b)[3];
}

async function drain(ticks) {
  for await (const tick of ticks) if (tick.state === "diverged") throw new Error("diverged");
}

function makeData(width, outputs, rows) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const inputs = Float32Array.from({ length: rows * width }, () => next() * 2 - 1);
  const shape = [width];
  if (outputs > 1) {
    const targets = Int32Array.from({ length: rows }, () => Math.floor(next() * outputs));
    return createDataset({ name: "random", rows, shape, inputs, targets, classes: outputs });
  }
  const targets = Float32Array.from({ length: rows }, () => next());
  return createDataset({
    name: "random",
    rows,
    shape,
    inputs,
    targets,
    classes: 0,
    targetWidth: 1,
  });
}

/** Forward, backward and sgd of an MLP in the obvious loops over Float32Arrays. */
function plainRunner(widths, activation, batch, data) {
  const f = activation === "tanh" ? Math.tanh : (x) => (x > 0 ? x : 0);
  const slope = activation === "tanh" ? (y) => 1 - y * y : (y) => (y > 0 ? 1 : 0);
  const layers = widths.slice(1).map((n, i) => {
    const k = widths[i];
    const w = Float32Array.from({ length: k * n }, (_, j) => Math.sin(j * 12.9898) / Math.sqrt(k));
    return {
      k,
      n,
      w,
      b: new Float32Array(n),
      y: new Float32Array(batch * n),
      dy: new Float32Array(batch * n),
    };
  });
  const step = (row0) => {
    let x = data.inputs.subarray(row0 * widths[0], (row0 + batch) * widths[0]);
    layers.forEach(({ k, n, w, b, y }, index) => {
      for (let i = 0; i < batch; i++) {
        for (let j = 0; j < n; j++) y[i * n + j] = b[j];
        for (let p = 0; p < k; p++) {
          const v = x[i * k + p];
          for (let j = 0; j < n; j++) y[i * n + j] += v * w[p * n + j];
        }
      }
      if (index < layers.length - 1) for (let i = 0; i < y.length; i++) y[i] = f(y[i]);
      x = y;
    });
    lossGradient(layers.at(-1), data, row0, batch);
    for (let index = layers.length - 1; index >= 0; index--) {
      const { k, n, w, b, y, dy } = layers[index];
      const input =
        index > 0 ? layers[index - 1].y : data.inputs.subarray(row0 * k, (row0 + batch) * k);
      if (index < layers.length - 1) for (let i = 0; i < y.length; i++) dy[i] *= slope(y[i]);
      if (index > 0) {
        const dx = layers[index - 1].dy;
        for (let i = 0; i < batch; i++) {
          for (let p = 0; p < k; p++) {
            let sum = 0;
            for (let j = 0; j < n; j++) sum += dy[i * n + j] * w[p * n + j];
            dx[i * k + p] = sum;
          }
        }
      }
      for (let i = 0; i < batch; i++) {
        for (let p = 0; p < k; p++) {
          const v = 0.01 * input[i * k + p];
          for (let j = 0; j < n; j++) w[p * n + j] -= v * dy[i * n + j];
        }
        for (let j = 0; j < n; j++) b[j] -= 0.01 * dy[i * n + j];
      }
    }
  };
  let at = 0;
  return {
    name: "plain JS",
    run: (steps) => {
      for (let s = 0; s < steps; s++) {
        step(at);
        at = (at + batch) % data.rows;
      }
    },
  };
}

function lossGradient({ n, y, dy }, data, row0, batch) {
  for (let i = 0; i < batch; i++) {
    if (data.classes === 0) {
      dy[i] = (2 * (y[i] - data.targets[row0 + i])) / batch;
      continue;
    }
    let top = -Infinity;
    let sum = 0;
    for (let j = 0; j < n; j++) top = Math.max(top, y[i * n + j]);
    for (let j = 0; j < n; j++) {
      dy[i * n + j] = Math.exp(y[i * n + j] - top);
      sum += dy[i * n + j];
    }
    for (let j = 0; j < n; j++)
      dy[i * n + j] = (dy[i * n + j] / sum - (data.targets[row0 + i] === j ? 1 : 0)) / batch;
  }
}
