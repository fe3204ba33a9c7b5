import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTraining } from "../../src/network/training-file.ts";

// Ends `headstart train` at random moments and resumes it. `npm run test:kill` does so 100 times.

const KILLS = Number(process.env.KILLS ?? 5);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1e6);

let folder = "";
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-kill-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const JOB = [
  ...["train", "--data", "digits", "--hidden", "96,64", "--epochs", "250", "--dropout", "0.1"],
  ...["--schedule", "cosine", "--warmup", "50", "--clip", "1", "--batch", "50", "--json"],
];

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the program; after some milliseconds, or once `when` is true, it is sent a signal. */
function run(
  argv: readonly string[],
  when?: number | (() => boolean),
  signal: NodeJS.Signals = "SIGKILL",
): Promise<Ended> {
  const child = spawn(process.execPath, ["bin/headstart.js", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const started = performance.now();
  const timer = setInterval(() => {
    if (when === undefined) return;
    const isTime = typeof when === "number" ? performance.now() - started >= when : when();
    if (!isTime) return;
    clearInterval(timer);
    child.kill(signal);
  }, 5);
  return new Promise<Ended>((resolve) => {
    child.on("close", (code) => {
      clearInterval(timer);
      resolve({ code, out, err });
    });
  });
}

const checkpointsIn = (run: string) =>
  fs.existsSync(run) ? fs.readdirSync(run).filter((name) => name.endsWith(".safetensors")) : [];

const newestIn = (run: string) => checkpointsIn(run).sort().at(-1) ?? "";

const sumOf = (file: string) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");

/** What the document says of the result, without what the clock says. */
function resultOf({ out }: Ended): unknown {
  const { seconds, saved, checkpoint, resumed, ...result } = JSON.parse(out);
  return result;
}

test(`${KILLS} kills at random moments: every checkpoint is whole, and the result has the bits of an undisturbed run`, {
  timeout: 60_000 + KILLS * 10_000,
}, async () => {
  const whole = path.join(folder, "whole.safetensors");
  const reference = await run([...JOB, "--save", whole]);
  expect(reference.code, reference.err).toBe(0);

  let random = SEED;
  const next = () => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return random / 2 ** 32;
  };
  let kills = 0;
  let mid = 0;
  for (let round = 0; kills < KILLS; round++) {
    const dir = path.join(folder, `run${round}`);
    const saved = path.join(folder, `${round}.safetensors`);
    for (;;) {
      const begins = checkpointsIn(dir).length === 0;
      const how = begins ? [...JOB, "--checkpoint", dir] : ["train", "--resume", dir, "--json"];
      const argv = [...how, "--checkpoint-every", "0.01s", "--save", saved];
      const ended = await run(argv, kills < KILLS ? 150 + next() * 650 : undefined);
      const context = `seed ${SEED}, round ${round}, kill ${kills}: ${ended.err}`;
      for (const name of checkpointsIn(dir)) {
        const { state } = readTraining(fs.readFileSync(path.join(dir, name)), name);
        if (state.fit !== null && state.fit.done < state.fit.steps) mid++;
      }
      if (ended.code === null) {
        kills++;
        continue;
      }
      expect(ended.code, context).toBe(0);
      expect(ended.err, context).not.toContain("going on from");
      expect(sumOf(saved), context).toBe(sumOf(whole));
      expect(resultOf(ended), context).toEqual(resultOf(reference));
      expect(checkpointsIn(dir).length).toBe(2);
      break;
    }
  }
  expect(mid, "kills came in the middle of the training").toBeGreaterThan(0);
});

test("SIGTERM and Ctrl-C write a checkpoint, exit with their codes, and resuming gives the same bits", async () => {
  const whole = path.join(folder, "signals.safetensors");
  expect((await run([...JOB, "--save", whole])).code).toBe(0);
  const dir = path.join(folder, "signals");
  const first = [...JOB, "--checkpoint", dir, "--checkpoint-every", "1h"];
  const terminated = await run(first, () => newestIn(dir) !== "", "SIGTERM");
  expect(terminated.code, terminated.err).toBe(143);
  expect(terminated.err).toContain("is written down");
  expect(terminated.err).toContain(`go on with headstart train --resume ${dir}`);
  const document = JSON.parse(terminated.out);
  expect(document.state).toBe("aborted");
  expect(fs.existsSync(document.checkpoint)).toBe(true);
  const { state } = readTraining(fs.readFileSync(document.checkpoint), "");
  expect(state.step).toBe(document.steps);

  const before = newestIn(dir);
  const again = ["train", "--resume", dir, "--json", "--checkpoint-every", "1steps"];
  const stopped = await run(again, () => newestIn(dir) > before, "SIGINT");
  expect(stopped.code, stopped.err).toBe(130);
  const saved = path.join(folder, "signals-resumed.safetensors");
  const ended = await run(["train", "--resume", dir, "--json", "--save", saved]);
  expect(ended.code, ended.err).toBe(0);
  expect(sumOf(saved)).toBe(sumOf(whole));
});

test("what does not belong together is refused in one sentence", async () => {
  const table = path.join(folder, "table.csv");
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${(i * 5) % 11},${"ab"[i % 2]}`);
  fs.writeFileSync(table, `x,y,label\n${rows.join("\n")}\n`);
  const dir = path.join(folder, "table");
  const begun = ["train", "--data", table, "--hidden", "4", "--epochs", "3", "--checkpoint", dir];
  expect((await run(begun)).code).toBe(0);

  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [begun, 2, /holds the checkpoints of a training; go on with it by --resume/],
    [["train", "--resume", folder], 4, /expected a folder with checkpoints/],
    [["train", "--resume", dir, "--hidden", "5"], 2, /--hidden: expected \[4\].*got \[5\]/],
    [["train", "--resume", dir, "--seed", "9"], 2, /--seed: expected 1.*got 9/],
    [["train", "--resume", dir, "--checkpoint", dir], 2, /leave it out/],
    [[...begun, "--checkpoint-every", "soon"], 2, /expected a time .*got "soon"/],
  ];
  for (const [argv, code, message] of cases) {
    const ended = await run(argv);
    expect([ended.code, ended.err]).toEqual([code, expect.stringMatching(message)]);
  }
  // Damaged: the one before it.
  const newest = path.join(dir, newestIn(dir));
  fs.truncateSync(newest, fs.statSync(newest).size - 3);
  const fallen = await run(["train", "--resume", dir]);
  expect(fallen.code, fallen.err).toBe(0);
  expect(fallen.err).toMatch(/expected the SHA-256[\s\S]*going on from/);
  // Other data.
  fs.writeFileSync(table, `x,y,label\n${rows.join("\n").replace("1,5,b", "1,6,b")}\n`);
  const other = await run(["train", "--resume", dir]);
  expect([other.code, other.err]).toEqual([
    4,
    expect.stringMatching(/expected the data that the checkpoint was taken with/),
  ]);
});
