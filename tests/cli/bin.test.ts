import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// The program as users start it: exit codes, streams and signals of a process of its own.

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

let folder = "";
const at = (name: string) => path.join(folder, name);

beforeAll(() => {
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  expect(status).toBe(0);
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-bin-"));
  fs.writeFileSync(at("ragged.csv"), "a,b,c\n1,2,x\n3,4\n5,6,y\n");
  fs.writeFileSync(at("nan.csv"), "a,b,c\n1,2,x\n3,NaN,y\n5,6,x\n7,8,y\n");
  const header = [0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 2];
  fs.writeFileSync(at("cut-images"), Buffer.from([...header, 1, 2, 3]));
  fs.writeFileSync(at("images"), Buffer.concat([Buffer.from(header), Buffer.alloc(40)]));
  const labels = [0, 0, 0x0c, 1, 0, 0, 0, 10]; // i32: these can be negative
  const values = Buffer.alloc(40);
  values.writeInt32BE(-1, 16);
  fs.writeFileSync(at("wrong-labels"), Buffer.concat([Buffer.from(labels), values]));
}, 180_000);

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function start(argv: readonly string[], env: Record<string, string> = {}) {
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, ["bin/headstart.js", ...argv], {
    env: { ...inherited, ...env },
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
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
  return { child, ended };
}

const headstart = (...argv: readonly string[]) => start(argv).ended;

/** Resolves when stderr has said something that matches. */
function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = "";
  return new Promise((resolve) => {
    child.stderr!.on("data", (chunk) => {
      text += chunk;
      if (pattern.test(text)) resolve();
    });
  });
}

describe("bad input ends in one sentence and an exit code", () => {
  const rows = (): readonly (readonly [string, readonly string[], number, RegExp])[] => [
    ["a missing file", ["train", "--data", at("missing.csv")], 4, /no such file; check the path/],
    [
      "truncated IDX",
      ["train", "--data", `${at("cut-images")},${at("images")}`],
      4,
      /expected 40 bytes .* got 3; the file is truncated/,
    ],
    ["ragged CSV", ["train", "--data", at("ragged.csv")], 4, /row 3: expected 3 values/],
    ["NaN in data", ["train", "--data", at("nan.csv")], 4, /row 3, column "b".*--missing drop/],
    [
      "a label out of range",
      ["train", "--data", `${at("images")},${at("wrong-labels")}`],
      4,
      /got -1/,
    ],
    ["an unknown scheme", ["compare", "--init", "he_nromal"], 2, /did you mean "he_normal"\?/],
    ["width 0", ["compare", "--width", "0"], 2, /--width: expected a whole number of at least 1/],
    ["10^12 units", ["compare", "--width", "1000000000000"], 2, /use fewer units/],
    ["10^12 hidden units", ["train", "--hidden", "1e12"], 2, /use fewer units/],
    ["an unknown data set", ["train", "--data", "digit"], 4, /did you mean "digits"\?/],
    ["an unknown option", ["train", "--hiden", "3"], 2, /did you mean --hidden\?/],
    ["no model", ["predict", "--model", at("none.st"), "--data", "iris"], 4, /no such file/],
  ];

  test("for every row of the list", async () => {
    const list = rows();
    const results: Ended[] = [];
    // Two at a time: there may be no more cores.
    for (let i = 0; i < list.length; i += 2) {
      results.push(
        ...(await Promise.all(list.slice(i, i + 2).map(([, argv]) => headstart(...argv)))),
      );
    }
    list.forEach(([name, , code, pattern], i) => {
      const { out, err, ...end } = results[i]!;
      expect({ name, code: end.code, out }).toEqual({ name, code, out: "" });
      expect(err, name).toMatch(/^headstart: [^\n]+\n$/);
      expect(err, name).toMatch(pattern);
      expect(err, name).not.toMatch(/\n {4}at |node:internal|\.[jt]s:\d+/);
    });
  });

  test("--verbose shows where it came from", async () => {
    const { code, err } = await headstart("train", "--data", at("ragged.csv"), "--verbose");
    expect(code).toBe(4);
    expect(err).toMatch(/^headstart: [^\n]+\nDataError: [^\n]+\n {4}at /);
  });

  test("--json gives the error as the one document", async () => {
    const { code, out } = await headstart("train", "--data", at("ragged.csv"), "--json");
    expect(JSON.parse(out)).toEqual({
      error: { exitCode: code, kind: "data", message: expect.stringMatching(/row 3/) },
    });
  });
});

describe("the program", () => {
  test("--version and --help go to stdout and are no failure", async () => {
    const [version, help, sub] = await Promise.all([
      headstart("--version"),
      headstart("--help"),
      headstart("train", "--help"),
    ]);
    expect(version).toMatchObject({ code: 0, err: "" });
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const word of [
      "train",
      "compare",
      "predict",
      "doctor",
      "data",
      "Examples:",
      "Exit codes:",
    ]) {
      expect(help.out).toContain(word);
    }
    expect(sub).toMatchObject({ code: 0, err: "" });
    expect(sub.out).toMatch(/--hidden[\s\S]*Global Options:[\s\S]*--json[\s\S]*Examples:/);
  });

  test("without a command it shows its help on stderr and fails", async () => {
    const { code, out, err } = await headstart();
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^Usage: headstart/);
  });

  test("trains, saves, predicts, with one document each and no escape bytes anywhere", async () => {
    const trained = await headstart(
      ...["train", "--data", "iris", "--hidden", "16", "--lr", "0.01", "--epochs", "60", "--json"],
      ...["--save", at("iris.safetensors")],
    );
    expect(trained.code).toBe(0);
    const document = JSON.parse(trained.out);
    expect(document.trainAccuracy).toBeGreaterThan(0.9);
    const predicted = await start(
      ["predict", "--model", at("iris.safetensors"), "--data", "iris", "--json"],
      { NO_COLOR: "1" },
    ).ended;
    expect(predicted.code).toBe(0);
    expect(JSON.parse(predicted.out).accuracy).toBeCloseTo(document.testAccuracy, 12);
    expect(trained.out + trained.err + predicted.out + predicted.err).not.toContain("\u001b");
  });

  test("compares with worker threads, with the numbers of one thread", async () => {
    const argv = [
      ...[
        "compare",
        "--data",
        "iris",
        "--depth",
        "3",
        "--width",
        "8",
        "--init",
        "he_normal,orthogonal",
      ],
      ...["--lr", "0.01", "--steps", "40", "--seeds", "2", "--json", "--quiet"],
    ];
    const [alone, together] = await Promise.all([
      headstart(...argv, "--workers", "1"),
      headstart(...argv, "--workers", "2"),
    ]);
    expect(together).toMatchObject({ code: 0, err: "" });
    const { seconds: _, ...expected } = JSON.parse(alone.out);
    const { seconds: __, ...document } = JSON.parse(together.out);
    expect(document).toEqual(expected);
    expect(document.complete).toBe(true);
  });

  test("a reader that stops early is no failure", async () => {
    const { child, ended } = start(["data", "list"]);
    child.stdout.destroy();
    const { err, signal } = await ended;
    expect({ err, signal }).toEqual({ err: "", signal: null });
  });
});

describe("Ctrl-C", () => {
  const long = ["train", "--data", "digits", "--epochs", "1000000", "--hidden", "64"];

  test("stops training and gives what was measured", async () => {
    const { child, ended } = start([...long, "--json", "--save", at("stopped.st")]);
    await said(child, /epoch \d+\/1000000/);
    child.kill("SIGINT");
    const { code, out, err } = await ended;
    expect(code).toBe(130);
    const document = JSON.parse(out);
    expect(document.state).toBe("aborted");
    expect(document.epochs.length).toBeGreaterThan(0);
    expect(document.testAccuracy).toBeGreaterThan(0.5);
    expect(document.saved).toBe(at("stopped.st"));
    expect(fs.existsSync(at("stopped.st"))).toBe(true);
    expect(err).toContain("Ctrl-C again quits at once");
    expect(err).not.toContain("\u001b");
  });

  test("stops a comparison and keeps the schemes that are finished", async () => {
    const { child, ended } = start([
      ...[
        "compare",
        "--data",
        "iris",
        "--depth",
        "3",
        "--width",
        "64",
        "--init",
        "he_normal,zeros",
      ],
      ...["--steps", "10000000", "--lr", "0.01", "--seeds", "1", "--workers", "1", "--json"],
    ]);
    await said(child, /output layer/);
    child.kill("SIGINT");
    const { code, out } = await ended;
    expect(code).toBe(130);
    expect(JSON.parse(out)).toMatchObject({ complete: false, schemes: [] });
  });
});
