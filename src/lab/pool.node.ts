import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Dataset } from "../data/dataset.ts";
import type { Executor } from "./executor.ts";
import type { Job } from "./network.ts";
import type { Outcome, Setup } from "./run.ts";

/** To a worker. */
export type Request = { readonly job: Job } | "stop";

/** From a worker: how its job ended; no outcome when it was stopped. */
export type Reply =
  | { readonly outcome: Outcome | undefined }
  | { readonly error: { readonly name: string; readonly message: string } };

export interface PoolOptions {
  /** Default: the machine's cores. */
  readonly workers?: number;
  /** The worker's script. Default: the compiled `worker.node.js` beside this file. */
  readonly script?: URL;
}

/**
 * Worker threads that each have the data once and do one run at a time.
 *
 * A worker that dies takes its run with it: a new one gets the run, once. A run that throws would throw again, and is not repeated.
 */
export function workerPool(setup: Setup, options: PoolOptions = {}): Executor {
  const { workers = availableParallelism() } = options;
  if (!Number.isSafeInteger(workers) || workers < 1) {
    throw new RangeError(`compare: workers must be a whole number of at least 1, got ${workers}`);
  }
  const script = options.script ?? new URL("./worker.node.js", import.meta.url);
  const workerData = { ...setup, train: shared(setup.train), test: shared(setup.test) };
  const start = () => new Member(() => new Worker(script, { workerData }));
  const members: Member[] = [];
  const idle: Member[] = [];
  return {
    slots: workers,
    async run(job, signal) {
      let member = idle.pop();
      if (member === undefined) {
        member = start();
        members.push(member);
      }
      try {
        return await member.run(job, signal);
      } finally {
        idle.push(member);
      }
    },
    async close() {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** One worker at a time, and a new one after a death. */
class Member {
  readonly #create: () => Worker;
  #worker: Worker | undefined;

  constructor(create: () => Worker) {
    this.#create = create;
  }

  async run(job: Job, signal: AbortSignal): Promise<Outcome | undefined> {
    for (let attempt = 1; ; attempt++) {
      const reply = await this.#ask(job, signal);
      if (!(reply instanceof Death)) return outcomeOf(reply);
      if (signal.aborted) return undefined;
      if (attempt === 2) {
        const { scheme, learningRate, seed } = job;
        throw new Error(
          `compare: two workers died on ${scheme} at rate ${learningRate} with seed ${seed}: ` +
            `${reply.message}; with workers: 1 there are no threads`,
          { cause: reply },
        );
      }
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(job: Job, signal: AbortSignal): Promise<Reply | Death> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve) => {
      const stop = () => worker.postMessage("stop" satisfies Request);
      const settle = (reply: Reply | Death) => {
        signal.removeEventListener("abort", stop);
        worker.off("message", settle).off("error", die).off("exit", die);
        resolve(reply);
      };
      const die = (cause: unknown) => {
        this.#worker = undefined;
        settle(new Death(cause));
      };
      worker.on("message", settle).on("error", die).on("exit", die);
      signal.addEventListener("abort", stop);
      worker.postMessage({ job } satisfies Request);
    });
  }

  /** A worker may also die between two runs: that must not end the process, and the next run gets a new one. */
  #start(): Worker {
    const worker = this.#create();
    const forget = () => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    return worker.on("error", forget).on("exit", forget);
  }
}

class Death extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : `it ended with code ${cause}`, { cause });
  }
}

function outcomeOf(reply: Reply): Outcome | undefined {
  if ("outcome" in reply) return reply.outcome;
  const { name, message } = reply.error;
  if (name === "TypeError") throw new TypeError(message);
  if (name === "RangeError") throw new RangeError(message);
  throw new Error(message);
}

/** The same data set in memory that every worker sees. */
function shared(dataset: Dataset): Dataset {
  const { inputs, targets } = dataset;
  const sharedInputs = new Float32Array(new SharedArrayBuffer(inputs.byteLength));
  sharedInputs.set(inputs);
  const buffer = new SharedArrayBuffer(targets.byteLength);
  const sharedTargets =
    targets instanceof Int32Array ? new Int32Array(buffer) : new Float32Array(buffer);
  sharedTargets.set(targets);
  return { ...dataset, inputs: sharedInputs, targets: sharedTargets };
}
