/** What can be wrong with a JSON text before its content is looked at. */
export type JsonFault = "json" | "duplicate-key" | "forbidden-key";

/** What the next value is. */
export type JsonKind = "object" | "array" | "string" | "number" | "true" | "false" | "null";

/** The keys and indices that lead to a value. */
export type JsonPath = readonly (string | number)[];

/**
 * RFC 8259 and stricter: a key occurs once in its object, no key is one that JavaScript gives a meaning, and no escape makes a
 * lone surrogate, which UTF-8 cannot hold.
 *
 * `JSON.parse` keeps the last of two equal keys without a word, so that two readers of one file may see two models.
 *
 * The caller asks for the values that its format has, in the order of the text. So nothing nests deeper than the format, a value
 * out of place is met before it is stored, and memory is bounded by what the caller keeps. Time is linear in the text.
 */
export class JsonScanner<Code extends string = never> {
  readonly #text: string;
  readonly #errorAt: ErrorAt<Code>;
  readonly #path: (string | number)[] = [];
  #at = 0;

  /** `errorAt` makes the error of a refusal at a path; what is wrong with the JSON itself is a `JsonFault`. */
  constructor(text: string, errorAt: ErrorAt<Code>) {
    this.#text = text;
    this.#errorAt = errorAt;
  }

  /** The error for the value that is being read, to be thrown by who asked for it. */
  error(code: Code | JsonFault, expected: string, got: string): Error {
    return this.#errorAt(code, this.#path, expected, got);
  }

  /** What comes next; nothing is consumed. */
  next(): JsonKind {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === "{") return "object";
    if (first === "[") return "array";
    if (first === '"') return "string";
    if (first === "-" || isDigit(this.#text.charCodeAt(this.#at))) return "number";
    for (const literal of LITERALS) if (this.#text.startsWith(literal, this.#at)) return literal;
    throw this.#unexpected("a JSON value");
  }

  /** Calls `member` with each key; it must consume the value. */
  object(member: (key: string) => void): void {
    const keys = new Set<string>();
    this.#list("{", "}", () => {
      const key = this.string();
      if (isForbiddenKey(key)) {
        throw this.error("forbidden-key", "no key that JavaScript gives a meaning", quote(key));
      }
      if (keys.has(key)) {
        throw this.error("duplicate-key", "each key once", `${quote(key)} a second time`);
      }
      keys.add(key);
      this.#expect(":");
      this.#path.push(key);
      member(key);
      this.#path.pop();
    });
  }

  /** Calls `element` with each index; it must consume the value. */
  array(element: (index: number) => void): void {
    let index = 0;
    this.#list("[", "]", () => {
      this.#path.push(index);
      element(index++);
      this.#path.pop();
    });
  }

  string(): string {
    this.#skipSpace();
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#unexpected("a string");
    const end = this.#closingQuote(start + 1);
    // A text with escapes is left to JSON.parse, which decodes them: one such token can only be a string.
    const body = this.#text.slice(start + 1, end);
    const value = body.includes("\\") ? parsed(`"${body}"`) : body;
    if (value === undefined) throw this.#unexpected("a string of valid escapes");
    this.#at = end + 1;
    return value;
  }

  /** The number as it is written: `1`, `1.0` and `1e0` are for the caller to tell apart. */
  number(): string {
    this.#skipSpace();
    const start = this.#at;
    this.#accept("-");
    if (!this.#accept("0")) this.#digits();
    if (this.#accept(".")) this.#digits();
    if (this.#accept("e") || this.#accept("E")) {
      if (!this.#accept("+")) this.#accept("-");
      this.#digits();
    }
    return this.#text.slice(start, this.#at);
  }

  /** Nothing but white space is left. */
  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end of the text");
  }

  #list(open: string, close: string, item: () => void): void {
    this.#expect(open);
    this.#skipSpace();
    if (this.#accept(close)) return;
    do {
      item();
      this.#skipSpace();
    } while (this.#accept(","));
    this.#expect(close);
  }

  #expect(mark: string): void {
    this.#skipSpace();
    if (!this.#accept(mark)) throw this.#unexpected(`"${mark}"`);
  }

  #accept(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #digits(): void {
    const start = this.#at;
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) throw this.#unexpected("a digit");
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #closingQuote(from: number): number {
    for (let i = from; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === QUOTE) return i;
      if (code === BACKSLASH) i++;
      else if (code < 0x20) throw this.#unexpected("a string without control characters");
    }
    throw this.#unexpected("a string that ends");
  }

  #unexpected(expected: string): Error {
    const rest = this.#text.slice(this.#at, this.#at + SHOWN);
    const got = rest === "" ? "the end of the text" : `${quote(rest)} at character ${this.#at}`;
    return this.error("json", expected, got);
  }
}

export type ErrorAt<Code extends string> = (
  code: Code | JsonFault,
  path: JsonPath,
  expected: string,
  got: string,
) => Error;

/** Whether a program that copies the key into an object would touch its prototype. */
export function isForbiddenKey(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}

/** Whether UTF-8 can hold the text: it has no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** Text from a file as a message may show it: quoted, short, and without what a terminal acts on or a reader cannot see. */
export function quote(text: string): string {
  const short = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return JSON.stringify(short).replace(
    UNPRINTABLE,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const LITERALS = ["true", "false", "null"] as const;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Characters of a file's text that a message shows. */
const SHOWN = 48;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** C1 and DEL, line separators, invisible and direction-changing marks; JSON.stringify has escaped C0 and lone surrogates. */
const UNPRINTABLE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function parsed(token: string): string | undefined {
  try {
    const value: string = JSON.parse(token);
    return isWellFormed(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
