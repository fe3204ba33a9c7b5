// One peer at work, in a process of its own. Commands come as lines of JSON on stdin, answers go to file descriptor 3.
//   argument: { library, workload, folder, options, start }
//   "check"  -> { value, differs?, facts }      "time" -> { iterations, seconds }

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { enableTurbo, Unable } from "./libraries.mjs";
import { readProblem } from "./problem.mjs";

const SAMPLE_SECONDS = 0.3;

const { library, workload: id, folder, options, start } = JSON.parse(process.argv[2]);
const answer = (message) => writeSync(3, `${JSON.stringify(message)}\n`);

try {
  if (options.turbo) await enableTurbo();
  const { workload } = await import(`./workloads/${id}.mjs`);
  const make = workload.libraries[library];
  if (typeof make !== "function") throw new Unable(make ?? "not written for this workload");
  const session = await make(readProblem(folder), options);
  if (start) {
    await session.run(1);
    answer({ started: true });
  } else {
    await serve(session);
  }
} catch (error) {
  answer(error instanceof Unable ? { unable: error.message } : { error: error.stack });
}
process.exit();

async function serve(session) {
  let iterations = 1;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "check") {
      const value = await session.check();
      answer({ value, differs: session.differs, facts: session.facts?.() ?? {} });
      iterations = await warmUp(session);
    } else {
      const seconds = await secondsOf(session, iterations);
      answer({ iterations, seconds });
    }
  }
}

/** Runs until the compiler has done its work, and gives how many iterations a sample takes. */
async function warmUp(session) {
  for (let n = 1; ; ) {
    const seconds = await secondsOf(session, n);
    if (seconds > SAMPLE_SECONDS / 2)
      return Math.max(1, Math.round((n * SAMPLE_SECONDS) / seconds));
    n = Math.ceil(n * Math.min(8, (1.2 * SAMPLE_SECONDS) / Math.max(seconds, 1e-4)));
  }
}

async function secondsOf(session, n) {
  const begin = performance.now();
  await session.run(n);
  return (performance.now() - begin) / 1000;
}
