import { describe, expect, test } from "vitest";
import { nearest } from "../../src/core/nearest.ts";
import { DataError, quote, quoteList } from "../../src/data/errors.ts";

describe("DataError", () => {
  test("its message is source, place, expectation, finding and remedy in one sentence", () => {
    const cause = new Error("why");
    const error = new DataError({
      source: "file.csv",
      where: { row: 7, column: '"age"', offset: 120 },
      expected: "a number",
      got: '"x"',
      hint: "mend it",
      cause,
    });
    expect(error.message).toBe(
      'file.csv, row 7, column "age", byte 120: expected a number, got "x"; mend it',
    );
    expect(error).toMatchObject({ name: "DataError", source: "file.csv", hint: "mend it", cause });
    expect(error).toBeInstanceOf(Error);
  });

  test("control characters, direction marks and length of foreign text do not reach the message", () => {
    expect(quote("\u001b]52;c;eA==\u0007")).toBe('"\\u{1b}]52;c;eA==\\u{7}"');
    expect(quote("a\u202eb\u009bc\ud800")).toBe('"a\\u{202e}b\\u{9b}c\\u{d800}"');
    expect(quote("x".repeat(41))).toBe(`"${"x".repeat(40)}…"`);
    const error = new DataError({ source: "a\nb.csv", expected: "x", got: "y", hint: "z" });
    expect(error.message).toBe("a\\u{a}b.csv: expected x, got y; z");
  });

  test("a long list is cut", () => {
    expect(quoteList(["a", "b"])).toBe('"a", "b"');
    expect(quoteList(["a", "b", "c"], 2)).toBe('"a", "b" and 1 more');
  });
});

describe("nearest", () => {
  test.each([
    ["digit", "digits"],
    ["breast-cancer", "breast_cancer"],
    ["IRIS", "iris"],
    ["spirlas", "spirals"],
  ])("%s means %s", (wanted, expected) => {
    expect(nearest(wanted, ["digits", "iris", "breast_cancer", "spirals"])).toBe(expected);
  });

  test("what resembles nothing has no nearest name, and a huge one costs little", () => {
    expect(nearest("mnist", ["digits", "wine", "moons"])).toBeUndefined();
    const huge = "x".repeat(10_000_000);
    const start = performance.now();
    expect(nearest(huge, ["digits"])).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(100);
  });
});
