import { CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { asUsage, EXIT, FileError, failureOf, UsageError } from "../../src/cli/exit.ts";
import { colorsFor, Output, toJson } from "../../src/cli/output.ts";
import { pairs, table } from "../../src/cli/table.ts";
import { DataError, OutOfMemoryError } from "../../src/index.ts";
import { capture } from "../support/streams.ts";

describe("streams", () => {
  test("results go to stdout and notes to stderr", () => {
    const streams = capture();
    const output = new Output(streams);
    output.print("result");
    output.note("note");
    output.document({ a: 1 });
    expect(streams.out.text).toBe("result\n");
    expect(streams.err.text).toBe("note\n");
  });

  test("with json, stdout has the document and nothing else", () => {
    const streams = capture();
    const output = new Output(streams, { json: true });
    output.print("result");
    output.note("note");
    output.document({ a: 1 });
    expect(JSON.parse(streams.out.text)).toEqual({ a: 1 });
    expect(streams.err.text).toBe("result\nnote\n");
  });

  test("quiet leaves results and warnings", () => {
    const streams = capture();
    const output = new Output(streams, { quiet: true });
    output.print("result");
    output.note("note");
    output.warn("careful");
    expect(streams.out.text).toBe("result\n");
    expect(streams.err.text).toBe("headstart: careful\n");
  });

  test("JSON has text for what is not finite, and arrays for typed ones", () => {
    const value = {
      x: Number.NaN,
      y: -Infinity,
      z: [1, Infinity],
      v: new Float32Array([0.5, NaN]),
    };
    expect(JSON.parse(toJson(value))).toEqual({
      ...{ x: "NaN", y: "-Infinity", z: [1, "Infinity"], v: [0.5, "NaN"] },
    });
  });

  test.each([
    ["a terminal", true, {}, undefined, true],
    ["a pipe", false, {}, undefined, false],
    ["NO_COLOR", true, { NO_COLOR: "1" }, undefined, false],
    ["an empty NO_COLOR", true, { NO_COLOR: "" }, undefined, true],
    ["--no-color", true, { FORCE_COLOR: "1" }, false, false],
    ["FORCE_COLOR on a pipe", false, { FORCE_COLOR: "1" }, undefined, true],
    ["FORCE_COLOR=0", true, { FORCE_COLOR: "0" }, undefined, false],
    ["NO_COLOR and FORCE_COLOR", true, { NO_COLOR: "1", FORCE_COLOR: "1" }, undefined, false],
    ["a dumb terminal", true, { TERM: "dumb" }, undefined, false],
  ])("colour on %s", (_, isTTY, env, color, expected) => {
    expect(colorsFor({ isTTY }, env, color).red("x") !== "x").toBe(expected);
  });
});

describe("tables", () => {
  test("columns are aligned, a rule stands below the head, no line ends in spaces", () => {
    const text = table(
      [{ head: "name" }, { head: "n", align: "right" }],
      [
        ["a", "1"],
        ["longer", "10"],
      ],
    );
    expect(text).toBe(["name     n", "──────  ──", "a        1", "longer  10"].join("\n"));
  });

  test("colour takes no room", () => {
    const { red } = colorsFor({ isTTY: true }, {}, undefined);
    const lines = table(
      [{ head: "name" }, { head: "x" }],
      [
        [red("abc"), "1"],
        ["abcd", "2"],
      ],
    ).split("\n");
    expect(lines[2]).toBe(`${red("abc")}   1`);
    expect(lines[3]).toBe("abcd  2");
  });

  test("pairs align the values", () => {
    expect(
      pairs([
        ["a", "1"],
        ["long", "2"],
      ]),
    ).toBe("a     1\nlong  2");
  });
});

describe("failures", () => {
  const data = new DataError({
    source: "x.csv",
    where: { row: 3 },
    expected: "a number",
    got: '"?"',
    hint: 'fill it in, or leave out such rows with missing: "drop"',
  });

  test.each([
    ["usage", new UsageError("--lr: expected"), EXIT.usage],
    [
      "commander",
      new CommanderError(1, "commander.unknownOption", "error: unknown option '--x'"),
      EXIT.usage,
    ],
    ["data", data, EXIT.data],
    ["a file", new FileError("m: broken"), EXIT.data],
    ["anything else", new Error("disk on fire"), EXIT.failed],
    ["memory", new OutOfMemoryError("no room"), EXIT.failed],
    ["no error at all", "text", EXIT.failed],
  ])("%s has its exit code", (_, error, code) => {
    expect(failureOf(error).exitCode).toBe(code);
  });

  test("hints name options as they are written on the command line", () => {
    expect(failureOf(data).message).toContain("--missing drop");
    expect(failureOf(data).message).not.toContain('missing: "drop"');
  });

  test("commander's suggestion joins its sentence; without one, help is named", () => {
    const make = (message: string) => new CommanderError(1, "commander.x", message);
    expect(
      failureOf(make("error: unknown option '--hiden'\n(Did you mean --hidden?)")).message,
    ).toBe("unknown option '--hiden'; did you mean --hidden?");
    expect(failureOf(make("error: argument missing."), "headstart train --help").message).toBe(
      "argument missing; see headstart train --help",
    );
  });

  test("a message is one printable line", () => {
    const { message } = failureOf(new Error("first\n  second \u001b[2J\u0007"));
    expect(message).toBe("first second \ufffd[2J\ufffd");
  });

  test("a defect does not pose as a mistake of the user", () => {
    expect(failureOf(new TypeError("x is not a function")).message).toContain(
      "should not have happened",
    );
  });

  test("only what turns options into a network makes usage of the library's errors", async () => {
    const fail = (error: Error) => () => {
      throw error;
    };
    await expect(asUsage(fail(new RangeError("units")))).rejects.toThrow(UsageError);
    await expect(asUsage(fail(new TypeError("kind")))).rejects.toThrow(UsageError);
    await expect(asUsage(fail(new OutOfMemoryError("big")))).rejects.toThrow(UsageError);
    await expect(asUsage(fail(data))).rejects.toBe(data);
    expect(await asUsage(async () => 7)).toBe(7);
  });
});

describe("a table of limited width", () => {
  const columns = [{ head: "name" }, { head: "n", align: "right" as const }, { head: "use" }];
  const rows = [
    ["he_normal", "12", "relu and its kin, in networks of any depth"],
    ["a_name_that_is_rather_long", "3", "nothing at all"],
  ];
  const longest = (text: string) => Math.max(...text.split("\n").map((line) => [...line].length));

  test("is cut in its text columns, and nowhere else", () => {
    expect(longest(table(columns, rows))).toBe(26 + 2 + 2 + 2 + 42);
    const cut = table(columns, rows, 50);
    expect(longest(cut)).toBeLessThanOrEqual(50);
    expect(cut.split("\n")).toHaveLength(4);
    expect(cut).toContain("relu and its kin, in…");
    expect(cut).toContain("12");
    expect(table(columns, rows, 74)).toBe(table(columns, rows));
  });

  test("is shown row by row when cutting does not do", () => {
    const narrow = table(columns, rows, 30);
    expect(narrow.split("\n")).toEqual([
      "name  he_normal",
      "n     12",
      "use   relu and its kin, in",
      "      networks of any depth",
      "",
      "name",
      "      a_name_that_is_rather_long",
      "n     3",
      "use   nothing at all",
    ]);
  });
});
