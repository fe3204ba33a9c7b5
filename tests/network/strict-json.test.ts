import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonScanner, quote } from "../../src/network/strict-json.ts";

const RUNS = 1000;

class Refused extends Error {
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string) {
    super(`${code} at ${path}`);
    this.code = code;
    this.path = path;
  }
}

function scanner(text: string): JsonScanner {
  return new JsonScanner(text, (code, path) => new Refused(code, path.join("/")));
}

/** The whole text as `JSON.parse` would give it. */
function tree(text: string): unknown {
  const json = scanner(text);
  const value = any(json);
  json.end();
  return value;
}

function any(json: JsonScanner): unknown {
  const kind = json.next();
  if (kind === "object") {
    const members: [string, unknown][] = [];
    json.object((key) => members.push([key, any(json)]));
    return Object.fromEntries(members);
  }
  if (kind === "array") {
    const elements: unknown[] = [];
    json.array(() => elements.push(any(json)));
    return elements;
  }
  if (kind === "string") return json.string();
  if (kind === "number") return Number(json.number());
  throw new Error(`the tests use no ${kind}`);
}

function outcome(read: () => unknown): { value: unknown } | { code: string; path: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof Refused) return { code: error.code, path: error.path };
    if (error instanceof SyntaxError) return { code: "json", path: "" };
    throw error;
  }
}

const leaf = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small" }, leaf, tie("array"), tie("object")),
  array: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(fc.string({ unit: "binary", maxLength: 4 }), tie("value"), { maxKeys: 4 }),
}));
const space = fc.constantFrom(undefined, 1, "\t", " \r\n"[0]);

describe("JsonScanner", () => {
  test("reads any JSON value as JSON.parse does", () => {
    fc.assert(
      fc.property(value, space, (original, indent) => {
        const text = JSON.stringify(original, undefined, indent);
        expect(tree(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: RUNS },
    );
  });

  test("refuses a text with a character added, lost or changed where JSON.parse does, and only there", () => {
    const edit = fc.constantFrom(
      ..."{}[],:\"\\-+.0123456789eEu \t\n\r\u000b\u00a0\u0000\u001f\ufeffa'/",
      "",
    );
    let refused = 0;
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(1), edit, (original, at, removed, added) => {
        const text = JSON.stringify(original);
        const i = at % (text.length + 1);
        const edited = text.slice(0, i) + added + text.slice(i + removed);
        const own = outcome(() => tree(edited));
        // Beyond JSON.parse, these are refused: their own tests are below.
        fc.pre(
          !("code" in own && own.code !== "json") &&
            !/\\u[dD][89a-fA-F]|\p{Surrogate}/u.test(edited),
        );
        if ("code" in own) refused++;
        const reference = outcome(() => JSON.parse(edited));
        expect("code" in own, edited).toBe("code" in reference);
        if ("value" in own) expect(own).toEqual(reference);
      }),
      { numRuns: RUNS },
    );
    expect(refused).toBeGreaterThan(RUNS / 10);
  });

  test.each([
    ["json", "", "01"],
    ["json", "", "1."],
    ["json", "", ".5"],
    ["json", "", "+1"],
    ["json", "", "1e"],
    ["json", "", "-"],
    ["json", "", "nul"],
    ["json", "", ""],
    ["json", "", "[1]]"],
    ["json", "1", "[1,]"],
    ["json", "", '{"a":1,}'],
    ["json", "a", '{"a":}'],
    ["json", "", "{a:1}"],
    ["json", "", '"a\nb"'],
    ["json", "", '"\\x41"'],
    ["json", "", '"\\u12"'],
    ["json", "", '"\\"'],
    ["json", "", '"\\ud800"'],
    ["json", "", '"\\udc00\\ud800"'],
    ["json", "a/1", '{"a":[1,]}'],
    ["duplicate-key", "", '{"a":1,"b":2,"a":1}'],
    ["duplicate-key", "", '{"a":1,"\\u0061":1}'],
    ["duplicate-key", "a/0", '{"a":[{"b":1,"b":1}]}'],
    ["forbidden-key", "", '{"__proto__":{"x":1}}'],
    ["forbidden-key", "", '{"__pr\\u006fto__":{"x":1}}'],
    ["forbidden-key", "a", '{"a":{"constructor":1}}'],
    ["forbidden-key", "0", '[{"prototype":1}]'],
  ])("refuses as %s at /%s: %s", (code, path, text) => {
    expect(outcome(() => tree(text))).toEqual({ code, path });
  });

  test("refuses to read one kind of value as another", () => {
    const reads = {
      string: (json: JsonScanner) => json.string(),
      number: (json: JsonScanner) => json.number(),
      object: (json: JsonScanner) => json.object(() => json.number()),
      array: (json: JsonScanner) => json.array(() => json.number()),
    };
    const texts = { string: '"1"', number: "1", object: '{"1":1}', array: "[1]", none: "+1" };
    for (const [kind, read] of Object.entries(reads)) {
      for (const [given, text] of Object.entries(texts)) {
        const failed = "code" in outcome(() => read(scanner(text)));
        expect(failed, `${text} as ${kind}`).toBe(kind !== given);
      }
    }
  });

  test("gives a number as it is written", () => {
    for (const written of ["0", "-0", "1.0", "1e0", "12E+3", "0.5e-7", "9007199254740993"]) {
      expect(scanner(` ${written} `).number()).toBe(written);
    }
  });
});

describe("quote", () => {
  test("leaves nothing that a terminal acts on or that hides, and stays short", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const shown = quote(text);
        expect(shown).not.toMatch(
          /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/u,
        );
        // 48 characters of at most 6 each, an ellipsis and two quotes.
        expect(shown.length).toBeLessThanOrEqual(6 * 48 + 3);
      }),
      { numRuns: RUNS },
    );
    expect(quote("\u001b]52;c;\u009b\u202e\u007f")).toBe('"\\u001b]52;c;\\u009b\\u202e\\u007f"');
    expect(quote('layer "a" é 東')).toBe('"layer \\"a\\" é 東"');
  });
});
