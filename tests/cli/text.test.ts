import { describe, expect, test } from "vitest";
import * as text from "../../src/cli/text.ts";
import { didYouMean, nearest } from "../../src/core/nearest.ts";

describe("printable", () => {
  test("no control character, direction mark or lone surrogate survives", () => {
    for (let code = 0; code < 0x300; code++) {
      const shown = text.printable(`a${String.fromCharCode(code)}b`);
      const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xad;
      expect(shown, code.toString(16)).toBe(
        isControl ? "a\ufffdb" : `a${String.fromCharCode(code)}b`,
      );
    }
    for (const mark of ["\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\ud800"]) {
      expect(text.printable(mark)).toBe("\ufffd");
    }
  });

  test("cuts by characters, not within one", () => {
    expect(text.printable("😀😀😀", 2)).toBe("😀😀…");
    expect(text.printable("abc", 3)).toBe("abc");
  });
});

describe("numbers for people", () => {
  test.each([
    [0, "0.000"],
    [Math.LN10, "2.303"],
    [0.05634, "0.05634"],
    [1234.56, "1235"],
    [0.000123456, "1.23e-4"],
    [3.91e16, "3.91e+16"],
    [null, "-"],
    [Number.NaN, "NaN"],
  ])("formatNumber(%s) is %s", (x, shown) => {
    expect(text.formatNumber(x)).toBe(shown);
  });

  test.each([
    [7.9, "7.9"],
    [3.456, "3.456"],
    [100, "100"],
    [0, "0"],
    [0.00012, "1.2e-4"],
    [-16, "-16"],
  ])("formatShort(%s) is %s", (x, shown) => {
    expect(text.formatShort(x)).toBe(shown);
  });

  test.each([
    [0.003, "0.003"],
    [Math.fround(0.003), "0.003"],
    [1e-4, "1e-4"],
    [1, "1"],
    [30, "30"],
    [1e6, "1e6"],
    [2.5e-9, "2.5e-9"],
    [0, "0"],
  ])("formatRate(%s) is %s", (x, shown) => {
    expect(text.formatRate(x)).toBe(shown);
  });

  test.each([
    [0.0184, "18 ms"],
    [1.44, "1.4 s"],
    [12.4, "12 s"],
    [59.6, "1 min 00 s"],
    [185, "3 min 05 s"],
    [7800, "2 h 10 min"],
    [Number.POSITIVE_INFINITY, "?"],
    [Number.NaN, "?"],
  ])("formatDuration(%s) is %s", (seconds, shown) => {
    expect(text.formatDuration(seconds)).toBe(shown);
  });

  test("counts, shares, sizes and shapes", () => {
    expect(text.count(1, "row")).toBe("1 row");
    expect(text.count(1797, "row")).toBe("1,797 rows");
    expect(text.formatPercent(0.9434)).toBe("94.3 %");
    expect(text.formatPercent(null)).toBe("-");
    expect(text.formatBytes(1023)).toBe("1023 bytes");
    expect(text.formatBytes(1536)).toBe("1.5 KiB");
    expect(text.formatShape([8, 8])).toBe("8x8");
  });
});

test("wrap breaks at spaces, indents what follows, and loses no word", () => {
  const words = "one two three four five six seven eight nine ten".split(" ");
  for (let width = 8; width < 60; width++) {
    const lines = text.wrap(words.join(" "), width, "  ").split("\n");
    expect(lines.flatMap((line) => line.trim().split(" "))).toEqual(words);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    for (const line of lines.slice(1)) expect(line).toMatch(/^ {2}\S/);
  }
  expect(text.wrap("unbreakable", 3)).toBe("unbreakable");
});

describe("nearest", () => {
  const names = ["he_normal", "he_uniform", "glorot_uniform", "relu", "relu6"];
  test.each([
    ["he_nromal", "he_normal"],
    ["HE-NORMAL", "he_normal"],
    ["glorot", undefined],
    ["glorot_unifrm", "glorot_uniform"],
    ["rleu", "relu"],
    ["banana", undefined],
    ["", undefined],
  ])("of %j is %s", (wanted, name) => {
    expect(nearest(wanted, names)).toBe(name);
  });

  test("there is nothing near in an empty list, and a long word costs no more than a short one", () => {
    expect(nearest("x", [])).toBeUndefined();
    expect(didYouMean("x".repeat(1e6), names)).toBe("");
  });
});
