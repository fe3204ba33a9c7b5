import { parentPort, workerData } from "node:worker_threads";
import { inheritTurbo } from "../core/turbo.node.ts";
import type { Reply, Request } from "./pool.node.ts";
import type { Setup } from "./run.ts";
import { train } from "./run.ts";

// The script of a worker: one job at a time, as the pool sends them.
const setup = workerData as Setup;
inheritTurbo();
let running = new AbortController();

parentPort!.on("message", (request: Request) => {
  if (request === "stop") return running.abort();
  running = new AbortController();
  train(setup, request.job, running.signal).then(
    (outcome) => reply({ outcome }),
    ({ name, message }: Error) => reply({ error: { name, message } }),
  );
});

function reply(message: Reply): void {
  parentPort!.postMessage(message);
}
