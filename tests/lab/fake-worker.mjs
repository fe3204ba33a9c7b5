// Stands in for the compiled worker: does what the job's scheme says.
import { parentPort, workerData } from "node:worker_threads";

let stopped = () => {};

parentPort.on("message", async (request) => {
  if (request === "stop") return stopped();
  const { scheme, seed, learningRate } = request.job;
  const { died } = workerData.config; // shared memory: how often a worker died
  const answer = (run) => parentPort.postMessage({ outcome: { run } });
  if (scheme === "dies" || (scheme === "dies once" && Atomics.add(died, 0, 1) === 0))
    process.exit(3);
  if (scheme === "throws out of turn") throw new Error("out of turn");
  if (scheme === "fails") {
    return parentPort.postMessage({ error: { name: "RangeError", message: "compare: no" } });
  }
  if (scheme === "waits") {
    stopped = () => parentPort.postMessage({ outcome: undefined });
    return;
  }
  answer({ seed, learningRate, inputs: workerData.train.inputs });
  // Between two runs: the pool must notice without an answer being due.
  if (scheme === "dies afterwards") setTimeout(() => process.exit(4));
});
