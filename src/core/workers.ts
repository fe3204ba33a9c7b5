/** A thread beside this one that runs the script below, in Node or in a browser. */
export interface Helper {
  /** Asks it to serve a team. It hears once it is back in its event loop. */
  invite(invitation: Invitation): void;
  /** Ends it wherever it is. */
  terminate(): void;
}

/** What a helper needs to serve a team: the binary, the memory, and its place. */
export interface Invitation {
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly team: number;
  readonly member: number;
  /** Milliseconds without an order after which it goes back to its event loop. */
  readonly idle: number;
}

/**
 * A helper's whole script. It is text because a file would have to be found by its URL, which is what breaks under every bundler. The
 * last network's instance is kept: mostly it is the next one's too.
 */
const SCRIPT = `
let id, exports;
function serve(order) {
  if (order.id !== id) {
    const abort = () => { throw new Error("abort"); };
    const imports = { env: { memory: order.memory, abort } };
    exports = new WebAssembly.Instance(order.module, imports).exports;
    id = order.id;
  }
  try {
    exports.serve(order.team, order.member, order.idle);
  } catch (error) {
    exports.lose(order.team);
    throw error;
  }
}`;

const NODE = `
const { parentPort } = require("node:worker_threads");
parentPort.on("message", serve);
parentPort.postMessage("up");`;

const BROWSER = `
onmessage = (event) => serve(event.data);
postMessage("up");`;

/** What a helper's starter hears of it. */
export interface HelperEvents {
  /** Its script runs. */
  onUp(): void;
  /** It is no more. */
  onEnd(why: string): void;
}

/** Starts a helper. Throws when there can be none. */
export function startHelper({ onUp, onEnd }: HelperEvents): Helper {
  const node = nodeProcess()?.getBuiltinModule("node:worker_threads");
  if (node !== undefined) {
    // Without the options of this process: --input-type=module, --inspect-brk and their like are not meant for the script.
    const options = { eval: true, execArgv: [], name: "headstart" };
    const worker = new node.Worker(SCRIPT + NODE, options);
    worker.on("message", onUp);
    worker.on("error", (error: Error) => onEnd(error.message));
    worker.on("exit", (code) => onEnd(`it ended with code ${code}`));
    worker.unref(); // after the listeners: one for messages keeps the process alive
    return {
      invite: (invitation) => worker.postMessage(invitation),
      terminate: () => void worker.terminate(),
    };
  }
  const url = URL.createObjectURL(new Blob([SCRIPT, BROWSER], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "headstart" });
  worker.onmessage = onUp;
  worker.onerror = (event) => {
    worker.terminate();
    onEnd(event.message ?? "its script could not be loaded");
  };
  return {
    invite: (invitation) => worker.postMessage(invitation),
    terminate: () => {
      worker.terminate();
      onEnd("it was ended");
    },
  };
}

/** Cores this process may use. */
export function availableCores(): number {
  return (
    nodeProcess()?.getBuiltinModule("node:os")?.availableParallelism() ??
    globalThis.navigator?.hardwareConcurrency ??
    1
  );
}

/** Why this thread can share its work with no other, or undefined when it can. */
export function whyAlone(): string | undefined {
  if (globalThis.crossOriginIsolated === false || typeof SharedArrayBuffer === "undefined") {
    return (
      "this page is not cross-origin isolated, so it has no shared memory: serve it with " +
      "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp"
    );
  }
  if (nodeProcess() === undefined && typeof Worker === "undefined") {
    return "there are no workers here";
  }
  if (!mayWait()) {
    return "a page's main thread may not wait for others: create the network in a worker";
  }
  return undefined;
}

function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0); // not equal: comes back at once
    return true;
  } catch {
    return false;
  }
}

/** Node's process, which hands out Node's own modules: they are not imported, so that no bundler looks for them. */
function nodeProcess(): NodeJS.Process | undefined {
  const { process } = globalThis as { process?: NodeJS.Process };
  return process?.getBuiltinModule === undefined ? undefined : process;
}
