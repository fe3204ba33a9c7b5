import { isSupported, loadCore } from "headstart/core";
import { Bench } from "tinybench";

/** A core of each variant this engine accepts. */
export async function cores() {
  const names = ["simd", "relaxed"];
  const supported = await Promise.all(names.map(isSupported));
  return Promise.all(names.filter((_, i) => supported[i]).map((variant) => loadCore({ variant })));
}

/** Times `tasks` ({ name, work, run }) side by side and prints work a second (median) and the ratio to the first. */
export async function race(title, unit, scale, tasks) {
  const bench = new Bench({ time: 300, warmupTime: 150 });
  for (const { name, run } of tasks) bench.add(name, run);
  await bench.run();
  const rates = bench.tasks.map(
    (task, i) => tasks[i].work / (task.result.latency.p50 / 1000) / scale,
  );
  const cells = tasks.map(({ name }, i) => {
    return `${name} ${rates[i].toFixed(rates[i] < 10 ? 2 : 1)} (x${(rates[i] / rates[0]).toFixed(1)})`;
  });
  console.log(`${title.padEnd(34)} ${unit.padEnd(10)} ${cells.join("   ")}`);
  return rates;
}

/** `count` floats in the core's memory, uniform in [-1, 1). */
export function uniform({ kernels, arena }, count) {
  const at = arena.allocate(count * 4);
  kernels.randomUniform(at, count, -1, 1, 1, 2, 0, 0, 1);
  return at;
}
