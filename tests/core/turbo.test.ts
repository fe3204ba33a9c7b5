import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { loadCore } from "../../src/core/core.ts";
import { enableTurbo, TurboTooLateError } from "../../src/core/turbo.node.ts";
import { differingKernel, isFused, load, results } from "../../src/core/turbo-probe.ts";
import { isSupported } from "../../src/core/variants.ts";
import { node24 } from "../support/node24.ts";

/** Evaluates a module in a fresh process, whose engine nobody has touched. */
const evaluate = (node: string, code: string) =>
  JSON.parse(
    execFileSync(node, ["--input-type=module", "-e", code], { encoding: "utf8", stdio: "pipe" }),
  );

test("turbo after the first core is refused by name", async () => {
  await loadCore({ variant: "simd" });
  await expect(enableTurbo()).rejects.toThrow(TurboTooLateError);
});

test("turbo names what its options may be", async () => {
  const ask = enableTurbo as (options: unknown) => Promise<unknown>;
  await expect(ask({ variant: "nope" })).rejects.toThrow(/simd, relaxed, debug, got "nope"/);
  await expect(ask({ varient: "simd" })).rejects.toThrow(RangeError);
  await expect(ask({ threads: 0 })).rejects.toThrow(RangeError);
  for (const options of [7, null]) await expect(ask(options)).rejects.toThrow(TypeError);
});

test("a core waits for turbo, turbo refuses once a core was begun, and another variant is told", () => {
  const code = (body: string) =>
    `import { enableTurbo } from "headstart/node"; import { loadCore } from "headstart/core"; ${body}`;
  const late = evaluate(
    process.execPath,
    code(`const core = loadCore({ variant: "simd" });
      console.log(JSON.stringify(await enableTurbo().then(() => "on", ({ name }) => name)));`),
  );
  expect(late).toBe("TurboTooLateError");
  const [reason, again, variants] = evaluate(
    process.execPath,
    code(`const turbo = enableTurbo({ variant: "simd" });
      const core = loadCore({ variant: "simd" });
      let first; turbo.then(() => (first ??= "turbo")); core.then(() => (first ??= "core"));
      await core;
      const { reason } = await turbo;
      console.log(JSON.stringify([reason, (await enableTurbo({ variant: "relaxed" })).reason, first]));`),
  );
  expect(again).toBe(`${reason}; decided by an earlier call for variant simd, not for relaxed`);
  expect(variants).toBe("turbo");
});

test("a worker thread tells what the main one found, and changes nothing", () => {
  const [turbo, inside] = evaluate(
    process.execPath,
    `import { enableTurbo } from "headstart/node"; import { Worker } from "node:worker_threads";
     const ask = () => new Promise((resolve, reject) => new Worker(
       'import { parentPort } from "node:worker_threads"; import { enableTurbo } from "headstart/node"; parentPort.postMessage(await enableTurbo());',
       { eval: true, execArgv: ["--input-type=module"] }).once("message", resolve).once("error", reject));
     const before = await ask();
     if (before.on || !/worker thread/.test(before.reason)) throw new Error(before.reason);
     console.log(JSON.stringify([await enableTurbo(), await ask()]));`,
  );
  expect(inside).toEqual(turbo);
});

test("the proof of fused multiply-adds tells one rounding from two", async () => {
  expect(isFused(await load("simd", 1))).toBe(false);
  if (await isSupported("relaxed")) {
    expect(isFused(await load("relaxed", 1))).toBe(true);
  }
});

test("the comparison names the kernel of a single bit that differs, and no other", async () => {
  const probe = await load("simd", 1);
  const expected = results(probe, 8);
  const again = results(probe, 16);
  expect(differingKernel(expected, again)).toBeUndefined();
  const tanh = again.find(({ kernel }) => kernel === "tanh")!;
  tanh.bits[76]! ^= 1;
  expect(differingKernel(expected, again)).toBe("tanh");
  expect(expected.every(({ bits }) => bits.some((x) => x !== 0))).toBe(true);
});

test("turbo without relaxed SIMD to win or 256 bits to make changes nothing and says why", () => {
  if (Number(process.versions.node.split(".")[0]) >= 24) return; // the next suite's subject
  const [turbo, tile] = evaluate(
    process.execPath,
    `import { enableTurbo } from "headstart/node"; import { loadCore } from "headstart/core";
     const turbo = await enableTurbo({ variant: "simd" });
     console.log(JSON.stringify([turbo, (await loadCore({ variant: "simd" })).tile]));`,
  );
  expect(turbo).toMatchObject({ on: false, flags: [], tile: 8 });
  expect(turbo.reason).toMatch(/simd gains nothing|Node 24/);
  expect(tile).toBe(8);
});

test("on Node 20 turbo brings the relaxed variant", () => {
  if (Number(process.versions.node.split(".")[0]) >= 22) return;
  const [turbo, variant] = evaluate(
    process.execPath,
    `import { enableTurbo } from "headstart/node"; import { loadCore } from "headstart/core";
     const turbo = await enableTurbo();
     console.log(JSON.stringify([turbo, (await loadCore()).variant]));`,
  );
  expect(turbo).toMatchObject({ on: true, flags: ["--experimental-wasm-relaxed-simd"], tile: 8 });
  expect(variant).toBe("relaxed");
});

describe("headstart doctor", () => {
  const doctor = (flags: readonly string[], value: string) =>
    JSON.parse(
      execFileSync(process.execPath, ["bin/headstart.js", "doctor", "--json", ...flags], {
        encoding: "utf8",
        env: { ...process.env, HEADSTART_TURBO: value },
        stdio: "pipe",
      }),
    );

  test("tells what turbo did and why when it was asked for, by flag or by environment", () => {
    for (const { turbo, findings } of [doctor(["--turbo"], ""), doctor([], "1")]) {
      expect(turbo).toMatchObject({ on: expect.any(Boolean), tile: expect.any(Number) });
      const { value } = findings.find(({ name }: { name: string }) => name === "turbo");
      expect(value).toContain(turbo.reason);
      expect(value).toMatch(turbo.on ? /^on \(--experimental/ : /^off: /);
    }
  });

  test("leaves the engine alone when it was not", () => {
    expect(doctor([], "0").turbo).toBeNull();
  });
});

const newer = node24();

describe.skipIf(newer.path === undefined)("turbo on Node 24", () => {
  test("has decided once, worker threads follow, and a rerun of it in one process is the first", () => {
    const [turbo, isSame, tile, inherited] = evaluate(
      newer.path!,
      `import { enableTurbo } from "headstart/node"; import { loadCore } from "headstart/core";
       import { Worker } from "node:worker_threads";
       const turbo = await enableTurbo();
       const { tile } = await loadCore();
       const script = \`
         import { parentPort } from "node:worker_threads";
         import { inheritTurbo } from "headstart/node";
         import { loadCore } from "headstart/core";
         inheritTurbo();
         parentPort.postMessage((await loadCore()).tile);\`;
       const worker = new Worker(script, { eval: true, execArgv: ["--input-type=module"] });
       const inherited = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
       console.log(JSON.stringify([turbo, turbo === (await enableTurbo()), tile, inherited]));
       process.exit();`,
    );
    expect(isSame).toBe(true);
    expect(turbo.reason).not.toMatch(/refuses|change the bits/);
    expect(turbo.flags).toEqual(turbo.on ? ["--experimental-wasm-revectorize"] : []);
    expect([tile, inherited]).toEqual([turbo.tile, turbo.tile]);
    if (process.arch === "x64") {
      expect(turbo.rates.plain).toBeGreaterThan(0.5);
      expect(turbo.rates.tile16).toBeGreaterThan(0.5);
    }
  });

  test("trains to the same bits as without it", () => {
    const plain = execFileSync(newer.path!, ["tests/support/mini-run.mjs"], { encoding: "utf8" });
    const turbo = evaluate(
      newer.path!,
      `import { enableTurbo } from "headstart/node";
       await enableTurbo({ variant: "simd" });
       await import(new URL("tests/support/mini-run.mjs", "file://" + process.cwd() + "/"));`,
    );
    expect(turbo).toEqual(JSON.parse(plain));
  });
});
