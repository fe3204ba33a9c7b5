import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/cli/exit.ts";
import * as network from "../../src/cli/network-options.ts";
import * as plain from "../../src/cli/options.ts";

const options = { ...plain, ...network };

describe("numbers", () => {
  test.each([
    ["1e-3", 0.001],
    ["0.5", 0.5],
    [".5", 0.5],
    ["5.", 5],
    ["+2E2", 200],
    [" 3 ", 3],
    ["-7", -7],
  ])("%j is the number %d", (text, value) => {
    expect(options.parseNumber("--x", text)).toBe(value);
  });

  test.each([
    "",
    " ",
    "abc",
    "1e",
    "1e-",
    "0x10",
    "1_000",
    "1,5",
    "NaN",
    "Infinity",
    "1e999",
    "1 2",
    "--1",
    ".",
    "1.2.3",
    "٣",
  ])("%j is refused", (text) => {
    expect(() => options.parseNumber("--x", text)).toThrow(UsageError);
  });

  test("the message names the option, what it takes and what it got", () => {
    expect(() => options.positive("--lr")("abc")).toThrow(
      '--lr: expected a positive number such as 0.01 or 1e-3, got "abc"',
    );
  });

  test("control characters of an argument are not repeated", () => {
    expect(() => options.positive("--lr")("\u001b[31mred")).toThrow(/got "\ufffd\[31mred"/);
  });

  test.each([
    ["positive", options.positive("--x"), ["1e-9"], ["0", "-1", "1e-999"]],
    ["nonNegative", options.nonNegative("--x"), ["0", "2"], ["-1e-9"]],
    ["share", options.share("--x"), ["0", "0.999"], ["1", "-0.1"]],
    ["whole", options.whole("--x"), ["1", "1e3", "9007199254740991"], ["0", "1.5", "-3", "1e16"]],
    ["whole from 0", options.whole("--x", 0), ["0"], ["-1"]],
    ["whole to 5", options.whole("--x", 1, 5), ["5"], ["6"]],
    ["depth", options.depth("--x"), ["1", "10000"], ["0", "10001", "1e12"]],
    ["rateOrAuto", options.rateOrAuto("--x"), ["auto", "0.1"], ["0", "Auto", "-1"]],
    [
      "hidden",
      options.hidden("--x"),
      ["none", "1", "128,64", "1e12"],
      ["0", "", "4,", "4,,4", "-4", "1.5", "a"],
    ],
    ["delimiter", options.delimiter("--x"), [",", "tab", "\\t", ";"], ["", ",,"]],
  ])("%s takes and refuses what it should", (_, parse, good, bad) => {
    for (const text of good) expect(() => parse(text), text).not.toThrow();
    for (const text of bad) expect(() => parse(text), text).toThrow(UsageError);
  });
});

describe("names", () => {
  test("a choice suggests the nearest word", () => {
    const parse = options.choice("--optimizer", options.OPTIMIZERS);
    expect(parse("adamw")).toBe("adamw");
    expect(() => parse("adma")).toThrow(/did you mean "adam"\?$/);
    expect(() => parse("xyzzy")).toThrow(/got "xyzzy"$/);
  });

  test("an activation is a name, with a parameter where it has one", () => {
    const parse = options.activationOption("--activation");
    expect(parse("relu")).toBe("relu");
    expect(parse("leaky_relu:0.2")).toEqual({ name: "leaky_relu", alpha: 0.2 });
    expect(parse("elu:alpha=1.5")).toEqual({ name: "elu", alpha: 1.5 });
    expect(() => parse("rleu")).toThrow(/did you mean "relu"\?/);
    expect(() => parse("relu:0.2")).toThrow(/relu without a parameter/);
    expect(() => parse("leaky_relu:x")).toThrow(UsageError);
    expect(() => parse("leaky_relu:")).toThrow(UsageError);
  });

  test("a scheme is written in its canonical text, whatever spelling was used", () => {
    const parse = options.scheme("--init");
    expect(parse("kaiming_normal")).toBe("he_normal");
    expect(parse("heNormal")).toBe("he_normal");
    expect(parse("orthogonal:gain=1")).toBe("orthogonal:gain=1");
  });

  test.each([
    ["he_nromal", "he_normal"],
    ["xavier_unifrom", "xavier_uniform"],
    ["torch", "torch_default"],
  ])("the unknown scheme %s brings the suggestion %s", (wrong, right) => {
    expect(() => options.scheme("--init")(wrong)).toThrow(new RegExp(`did you mean "${right}"\\?`));
  });

  test("a scheme's wrong option is named, without a list of schemes", () => {
    expect(() => options.scheme("--init")("he_normal:foo=1")).toThrow(/^--init: .*no option "foo"/);
  });

  test("schemes are a list in which commas may also separate options of one scheme", () => {
    const parse = options.schemes("--init");
    expect(parse("he_normal, zeros,he_normal,kaiming_normal")).toEqual(["he_normal", "zeros"]);
    expect(parse("truncated_normal:std=0.1,low=-1,zeros")).toEqual([
      "truncated_normal:std=0.1,low=-1",
      "zeros",
    ]);
    expect(() => parse("he_normal,")).toThrow(UsageError);
    expect(() => parse("std=1")).toThrow(UsageError);
  });

  test("a column is a name or an index", () => {
    expect(options.column("species")).toBe("species");
    expect(options.column("4")).toBe(4);
    expect(options.column("-1")).toBe(-1);
    expect(options.column("1.5")).toBe("1.5");
  });
});

test("how often, and class weights, in the forms that people write", () => {
  expect(["30s", "1.5m", "2h"].map((text) => plain.every("--e")(text))).toEqual([
    { seconds: 30 },
    { seconds: 90 },
    { seconds: 7200 },
  ]);
  expect(plain.every("--e")("200steps")).toEqual({ steps: 200 });
  for (const wrong of ["", "0s", "-1s", "1.5steps", "30", "s"]) {
    expect(() => plain.every("--e")(wrong)).toThrow(/--e: expected a time or a number of steps/);
  }
  expect(plain.classWeights("--w")("balanced")).toBe("balanced");
  expect(plain.classWeights("--w")("1,0.5,3")).toEqual([1, 0.5, 3]);
  expect(() => plain.classWeights("--w")("1,-2")).toThrow(/--w: expected numbers of at least 0/);
});
