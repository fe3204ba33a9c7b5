import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Dtype, SafetensorsCode, StoredTensor } from "../../src/network/safetensors.ts";
import {
  floatsOf,
  readSafetensors,
  SafetensorsError,
  writeSafetensors,
} from "../../src/network/safetensors.ts";
import { cpuMilliseconds } from "../support/cpu-time.ts";

const RUNS = 1000;

/** Bits of an element, from the format's own list. */
const BITS: Record<Dtype, number> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

/** A file with this header, which is not padded, and `size` bytes of data that count up. */
function file(header: string | Uint8Array, size = 0, declared?: bigint): Uint8Array {
  const head = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + head.length + size);
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(head.length), true);
  bytes.set(head, 8);
  bytes.set(
    Uint8Array.from({ length: size }, (_, i) => i + 1),
    8 + head.length,
  );
  return bytes;
}

/** A header's entry, F32 unless it says otherwise. */
function entry(name: string, shape: string, offsets: string, dtype = '"F32"'): string {
  return `${JSON.stringify(name)}:{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
}

function refusal(bytes: Uint8Array): SafetensorsError {
  try {
    readSafetensors(bytes, "model.safetensors");
  } catch (error) {
    if (error instanceof SafetensorsError) return error;
    throw error;
  }
  throw new Error("expected a refusal");
}

function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

const name = fc
  .oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.string({ unit: "grapheme", maxLength: 6 }),
    fc.constantFrom(
      "",
      "10",
      "2",
      "__metadata___",
      "toString",
      "hasOwnProperty",
      'a"\\b',
      "dtype",
      "😀",
    ),
  )
  .filter((text) => !/\0|^(__proto__|constructor|prototype|__metadata__)$/.test(text));
const shape = fc.array(fc.nat(4), { maxLength: 4 });
/** Any bits, NaN payloads among them. */
const tensor = shape.chain((sizes) =>
  fc
    .uint8Array({ minLength: 4 * product(sizes), maxLength: 4 * product(sizes) })
    .map((bytes) => ({ shape: sizes, data: new Float32Array(Uint8Array.from(bytes).buffer) })),
);
const tensors = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 8 });
const metadata = fc
  .uniqueArray(
    fc.tuple(
      name,
      fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "")),
    ),
    {
      selector: ([key]) => key,
      maxLength: 4,
    },
  )
  .map((pairs) => new Map(pairs));

describe("safetensors", () => {
  test("reading returns what was written, to the bit and in the order given", () => {
    fc.assert(
      fc.property(tensors, metadata, (list, texts) => {
        const bytes = writeSafetensors(list, texts);
        const read = readSafetensors(bytes);
        expect([...read.metadata]).toEqual([...texts]);
        expect([...read.tensors.keys()]).toEqual(list.map(([key]) => key));
        for (const [key, { shape, data }] of list) {
          const stored = read.tensors.get(key)!;
          expect(stored.dtype).toBe("F32");
          expect(stored.shape).toEqual(shape);
          expect(stored.bytes).toEqual(bytesOf(data));
          expect(bytesOf(floatsOf(stored, key))).toEqual(bytesOf(data));
        }
        expect(writeSafetensors(list, texts)).toEqual(bytes);
      }),
      { numRuns: RUNS },
    );
  });

  test("a file has the bytes that the format prescribes", () => {
    const written = writeSafetensors([["w", { shape: [2], data: Float32Array.of(1, -2) }]]);
    const expected = [
      "38 00 00 00 00 00 00 00", //                 56 bytes of header
      "7b 22 77 22 3a", //                          {"w":
      "7b 22 64 74 79 70 65 22 3a", //              {"dtype":
      "22 46 33 32 22 2c", //                       "F32",
      "22 73 68 61 70 65 22 3a 5b 32 5d 2c", //     "shape":[2],
      "22 64 61 74 61 5f 6f 66 66 73 65 74 73 22", // "data_offsets"
      "3a 5b 30 2c 38 5d", //                       :[0,8]
      "7d 7d", //                                   }}
      "20 20", //                                   54 bytes so far: two spaces
      "00 00 80 3f", //                             1 = 0x3f800000
      "00 00 00 c0", //                             -2 = 0xc0000000
    ];
    expect(Buffer.from(written).toString("hex")).toBe(expected.join("").replaceAll(" ", ""));
  });

  test("a header lists the metadata, then the tensors in the order given, names that look like numbers too", () => {
    const scalar = { shape: [], data: Float32Array.of(7) };
    const written = writeSafetensors(
      [
        ["b", scalar],
        ["2", { shape: [0, 3], data: new Float32Array(0) }],
        ["1", scalar],
      ],
      new Map([
        ["9", "x\n"],
        ["1", ""],
      ]),
    );
    const length = Number(new DataView(written.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(new TextDecoder().decode(written.subarray(8, 8 + length)).trimEnd()).toBe(
      `{"__metadata__":{"9":"x\\n","1":""},${entry("b", "[]", "[0,4]")},${entry("2", "[0,3]", "[4,4]")},${entry("1", "[]", "[4,8]")}}`,
    );
    expect(written.length).toBe(8 + length + 8);
  });

  test("a file without tensors is 16 bytes", () => {
    expect(Buffer.from(writeSafetensors([])).toString("latin1")).toBe("\x08\0\0\0\0\0\0\0{}      ");
    expect(readSafetensors(writeSafetensors([])).tensors.size).toBe(0);
  });
});

describe("readSafetensors", () => {
  test("reads entries and fields in any order, any white space, a header of any length and data at any offset", () => {
    const header = `{ "b" :\t{"data_offsets":[1,5],"shape":[ ],"dtype":"F32"},\r\n"empty":{"dtype":"I64","shape":[5,0],"data_offsets":[1,1]},
      "__metadata__":{},"a":{"shape":[1],"data_offsets":[0,1],"dtype":"U8"}, "\\u0065nd":{"dtype":"F4","shape":[3,2],"data_offsets":[5,8]} } \n`;
    for (const pad of ["", " ", "  ", "   "]) {
      const { tensors, metadata } = readSafetensors(file(header + pad, 8));
      expect(metadata.size).toBe(0);
      expect([...tensors]).toEqual([
        ["b", { dtype: "F32", shape: [], bytes: Uint8Array.of(2, 3, 4, 5) }],
        ["empty", { dtype: "I64", shape: [5, 0], bytes: new Uint8Array(0) }],
        ["a", { dtype: "U8", shape: [1], bytes: Uint8Array.of(1) }],
        ["end", { dtype: "F4", shape: [3, 2], bytes: Uint8Array.of(6, 7, 8) }],
      ]);
      expect(floatsOf(tensors.get("b")!, "b")[0]).toBe(
        new DataView(Uint8Array.of(2, 3, 4, 5).buffer).getFloat32(0, true),
      );
    }
  });

  test("reads every dtype of the format at its size", () => {
    for (const [dtype, bits] of Object.entries(BITS)) {
      const stored = readSafetensors(
        file(`{${entry("a", "[4]", `[0,${bits / 2}]`, `"${dtype}"`)}}`, bits / 2),
      );
      expect(stored.tensors.get("a")).toMatchObject({ dtype, shape: [4] });
    }
  });

  test("lets empty tensors share an offset where one tensor ends and the next begins", () => {
    const header = [
      entry("z", "[0]", "[8,8]"),
      entry("x", "[0]", "[4,4]"),
      entry("b", "[1]", "[4,8]"),
      entry("y", "[0]", "[4,4]"),
      entry("a", "[1]", "[0,4]"),
      entry("w", "[0]", "[0,0]"),
    ];
    expect(readSafetensors(file(`{${header}}`, 8)).tensors.size).toBe(6);
  });

  test("gives views of a plain array, a Buffer's and a part's too", () => {
    const written = writeSafetensors([["a", { shape: [1], data: Float32Array.of(3) }]]);
    const padded = Buffer.concat([Buffer.of(9, 9, 9), written, Buffer.of(9)]);
    const { bytes } = readSafetensors(padded.subarray(3, -1)).tensors.get("a")!;
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer).toBe(padded.buffer);
    expect(bytes).toEqual(Uint8Array.of(0, 0, 0x40, 0x40));
  });

  test("reads shared memory", () => {
    const written = writeSafetensors([["a", { shape: [1], data: Float32Array.of(3) }]]);
    const shared = new Uint8Array(new SharedArrayBuffer(written.length));
    shared.set(written);
    expect([...floatsOf(readSafetensors(shared).tensors.get("a")!, "a")]).toEqual([3]);
  });

  test("tells a wrong argument from a wrong file", () => {
    expect(() => readSafetensors("x" as unknown as Uint8Array)).toThrow(TypeError);
  });

  const a4 = entry("a", "[1]", "[0,4]");
  /** Files of every class: a class without one does not compile. */
  const REFUSED: Record<SafetensorsCode, readonly Uint8Array[]> = {
    "file-too-short": [new Uint8Array(0), new Uint8Array(7)],
    "header-too-large": [
      file("{}", 0, 100_000_001n),
      file("{}", 0, 2n ** 63n),
      file("{}", 0, 2n ** 64n - 1n),
    ],
    "header-truncated": [file("{}", 0, 3n), file("{}", 0, 100_000_000n), file("", 0, 1n)],
    "header-start": [
      file(""),
      file(" {}"),
      file("[]"),
      file('"a"'),
      file("\ufeff{}"),
      file("\0{}"),
    ],
    utf8: [
      file(Uint8Array.of(0x7b, 0xff, 0x7d)),
      file(Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x7d)), // NUL, overlong
      file(Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d)), // a surrogate
      file(Uint8Array.of(0x7b, 0x22, 0xe2, 0x82)), // cut short
    ],
    json: [
      file("{"),
      file("{}x"),
      file("{}\0"),
      file("{},"),
      file(`{${a4},}`, 4),
      file("{'a':1}"),
      file(`{"a"}`),
      file(`{"a":`),
      file(`{${entry("a", "[01]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[1,]", "[0,4]")}}`, 4),
      file(`{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
      file(`{${a4}}{}`, 4),
    ],
    "duplicate-key": [
      file(`{${a4},${a4}}`, 4),
      file(`{${a4},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
      file('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4),
      file('{"__metadata__":{},"__metadata__":{}}'),
      file('{"__metadata__":{"a":"","a":""}}'),
    ],
    "forbidden-key": [
      file(`{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
      file(`{"__pr\\u006fto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
      file(`{${entry("constructor", "[1]", "[0,4]")}}`, 4),
      file(`{${entry("prototype", "[1]", "[0,4]")}}`, 4),
      file('{"__metadata__":{"constructor":"x"}}'),
      file('{"a":{"__proto__":{},"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    ],
    "null-character": [
      file(`{${entry("a\0b", "[1]", "[0,4]")}}`, 4),
      file('{"__metadata__":{"\\u0000":"x"}}'),
      file('{"__metadata__":{"x":"\\u0000"}}'),
    ],
    nesting: [
      file(`{${entry("a", "[[1]]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[1]", "[[0],4]")}}`, 4),
      file(`{${entry("a", "[1]", "[0,4]", '{"F32":1}')}}`, 4),
      file(`{${entry("a", "[{}]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[".repeat(1e5), "[0,4]")}}`, 4),
    ],
    metadata: [
      file('{"__metadata__":null}'),
      file('{"__metadata__":[]}'),
      file('{"__metadata__":"x"}'),
      file('{"__metadata__":{"a":1}}'),
      file('{"__metadata__":{"a":null}}'),
      file('{"__metadata__":{"a":{}}}'),
      file('{"__metadata__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    ],
    "too-many-metadata": [
      file(`{"__metadata__":{${Array.from({ length: 100_001 }, (_, i) => `"${i}":""`)}}}`),
    ],
    "too-many-tensors": [
      file(`{${Array.from({ length: 100_001 }, (_, i) => entry(`${i}`, "[0]", "[0,0]"))}}`),
    ],
    entry: [
      file('{"a":1}'),
      file('{"a":null}'),
      file('{"a":[]}'),
      file('{"a":"x"}'),
      file('{"a":true}'),
    ],
    "missing-field": [
      file('{"a":{}}'),
      file('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4),
      file('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4),
      file('{"a":{"dtype":"F32","shape":[1]}}', 4),
    ],
    "extra-field": [
      file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":0}}', 4),
      file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"Shape":[2]}}', 4),
      file('{"a":{"toString":0}}'),
    ],
    dtype: [
      file(`{${entry("a", "[1]", "[0,4]", '"F128"')}}`, 4),
      file(`{${entry("a", "[1]", "[0,4]", '"f32"')}}`, 4),
      file(`{${entry("a", "[1]", "[0,4]", '"toString"')}}`, 4),
      file(`{${entry("a", "[1]", "[0,4]", "32")}}`, 4),
      file(`{${entry("a", "[1]", "[0,4]", "null")}}`, 4),
    ],
    shape: [
      file(`{${entry("a", "[-1]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[1.0]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[1e0]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[-0]", "[0,0]")}}`),
      file(`{${entry("a", '["1"]', "[0,4]")}}`, 4),
      file(`{${entry("a", "[null]", "[0,4]")}}`, 4),
      file(`{${entry("a", "1", "[0,4]")}}`, 4),
      file(`{${entry("a", "{}", "[0,4]")}}`, 4),
    ],
    rank: [file(`{${entry("a", `[${Array(65).fill(1)}]`, "[0,4]")}}`, 4)],
    overflow: [
      file(`{${entry("a", "[9007199254740992]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[65536,65536,65536,65536]", "[0,0]")}}`),
      file(`{${entry("a", "[4611686018427387905]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[9007199254740991]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[4294967296,4294967296,0]", "[0,0]")}}`),
      file(`{${entry("a", `[1${"0".repeat(400)}]`, "[0,4]")}}`, 4),
    ],
    offsets: [
      file(`{${entry("a", "[1]", "[0]")}}`, 4),
      file(`{${entry("a", "[1]", "[]")}}`, 4),
      file(`{${entry("a", "[1]", "[0,4,4]")}}`, 4),
      file(`{${entry("a", "[1]", "[0,4.0]")}}`, 4),
      file(`{${entry("a", "[1]", "[-4,0]")}}`, 4),
      file(`{${entry("a", "[1]", '["0",4]')}}`, 4),
      file(`{${entry("a", "[1]", '{"0":0,"1":4}')}}`, 4),
    ],
    "offsets-reversed": [
      file(`{${entry("a", "[1]", "[4,0]")}}`, 4),
      file(`{${entry("a", "[0]", "[1,0]")}}`, 1),
    ],
    "out-of-range": [
      file(`{${a4}}`, 3),
      file(`{${a4}}`, 0),
      file(`{${entry("a", "[0]", "[1,1]")}}`),
      file(`{${a4},${entry("b", "[1]", "[4,8]")}}`, 7),
    ],
    "size-mismatch": [
      file(`{${entry("a", "[2]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[1000,1000]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[0]", "[0,4]")}}`, 4),
      file(`{${entry("a", "[1]", "[0,0]")}}`),
      file(`{${entry("a", "[1]", "[0,4]", '"F64"')}}`, 4),
      file(`{${entry("a", "[1]", "[0,99999999999999999999]")}}`, 4),
    ],
    "partial-byte": [
      file(`{${entry("a", "[1]", "[0,1]", '"F4"')}}`, 1),
      file(`{${entry("a", "[3]", "[0,3]", '"F6_E2M3"')}}`, 3),
    ],
    overlap: [
      file(`{${a4},${entry("b", "[1]", "[0,4]")}}`, 4),
      file(`{${a4},${entry("b", "[1]", "[3,7]")}}`, 7),
      file(`{${entry("b", "[1]", "[3,7]")},${a4}}`, 7),
      file(`{${entry("a", "[2]", "[0,8]")},${entry("b", "[1]", "[4,8]")}}`, 8),
    ],
    "empty-inside": [
      file(`{${a4},${entry("b", "[0]", "[2,2]")}}`, 4),
      file(`{${entry("b", "[0]", "[1,1]")},${a4}}`, 4),
    ],
    hole: [
      file(`{${entry("a", "[1]", "[1,5]")}}`, 5),
      file(`{${a4},${entry("b", "[1]", "[8,12]")}}`, 12),
      file(`{${a4},${entry("b", "[0]", "[5,5]")}}`, 5),
    ],
    "trailing-bytes": [
      file("{}", 1),
      file(`{${a4}}`, 5),
      file(`{${a4},${entry("b", "[0]", "[4,4]")}}`, 6),
    ],
  };

  test.each(Object.entries(REFUSED))("refuses as %s every file of that class", (code, files) => {
    expect(files.map((bytes) => refusal(bytes).code)).toEqual(files.map(() => code));
  });

  test.each([
    [Uint8Array.of(1, 2, 3), "model.safetensors: expected at least 8 bytes, got 3"],
    [
      file("{}x"),
      'model.safetensors: header: expected the end of the text, got "x" at character 2',
    ],
    [file('{"a":1}'), 'model.safetensors: tensor "a": expected an object, got number'],
    [
      file(`{${entry("a", "[2,-1]", "[0,4]")}}`, 4),
      'model.safetensors: tensor "a".shape[1]: expected a non-negative whole number, got "-1"',
    ],
    [
      file(`{${entry("a", "[2]", "[0,4]")}}`, 4),
      'model.safetensors: tensor "a": expected 8 bytes for F32 [2], got 4 from [0, 4]',
    ],
    [
      file(`{${a4},${entry("b", "[1]", "[8,12]")}}`, 12),
      'model.safetensors: tensor "b": expected to begin at byte 4, where the data before it ends, got [8, 12]',
    ],
    [
      file('{"__metadata__":{"k":1}}'),
      'model.safetensors: __metadata__["k"]: expected texts by name, got number',
    ],
    [file("{}", 2), "model.safetensors: expected 0 bytes of data, got 2"],
  ])("says where, what was expected and what was got (%#)", (bytes, message) => {
    const error = refusal(bytes);
    expect(error.message).toBe(message);
    expect(message.startsWith(`${error.where}: expected `)).toBe(true);
    expect(error.name).toBe("SafetensorsError");
  });

  test("shows a hostile name without what a terminal acts on", () => {
    const { message } = refusal(
      file(`{${entry("\u001b]52;c;eA==\u0007\u009b2J\u202e", "[2]", "[0,4]")}}`, 4),
    );
    expect(message).not.toMatch(/[\p{Cc}\u202e]/u);
  });

  test("gives any bytes a result or a SafetensorsError", () => {
    const start = fc.constantFrom(
      ...["", "{", '{"', '{"a":{', '{"__metadata__":{"'].map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 80 }), fc.boolean(), (head, tail, framed) => {
        const bytes = Buffer.concat([head, tail]);
        checkOutcome(framed ? file(bytes) : bytes);
      }),
      { numRuns: RUNS },
    );
  });

  test("gives a damaged file a result that JSON.parse confirms or a SafetensorsError", () => {
    const piece = fc.constantFrom(
      ...'{}[],:"\\-.019e ',
      '"a":',
      '"dtype":"F32"',
      "[0,4]",
      "[0,0]",
      '"__metadata__":',
      '"__proto__":',
      "1e9",
      "4294967296",
      "null",
      '"',
      "\\u0000",
      "\\ud800",
      "\0",
      "é",
      "9".repeat(30),
    );
    const change = fc.record({ at: fc.nat(), removed: fc.nat(6), added: piece });
    const flip = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    const codes = new Set<string>();
    fc.assert(
      fc.property(
        tensors,
        metadata,
        fc.array(change, { maxLength: 3 }),
        fc.array(flip, { maxLength: 2 }),
        fc.integer({ min: -2, max: 2 }),
        (list, texts, changes, flips, extra) => {
          const whole = writeSafetensors(list, texts);
          const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
          let header = new TextDecoder().decode(whole.subarray(8, 8 + length)).trimEnd();
          for (const { at, removed, added } of changes) {
            const i = at % (header.length + 1);
            header = header.slice(0, i) + added + header.slice(i + removed);
          }
          const bytes = file(
            header,
            Math.max(0, whole.length - 8 - length + (changes.length > 1 ? extra : 0)),
          );
          for (const { at, byte } of flips) bytes[at % bytes.length] = byte;
          codes.add(checkOutcome(bytes));
        },
      ),
      { numRuns: RUNS },
    );
    // The damage reaches beyond the first checks, and some files survive it.
    expect(codes).toContain("read");
    expect(codes.size).toBeGreaterThan(6);
  });

  test("reads the 100 000 tensors that are allowed within a second of processor time", () => {
    const entries = Array.from({ length: 100_000 }, (_, i) =>
      entry(`layers.${i}.weight`, "[1]", `[${4 * i},${4 * i + 4}]`),
    );
    const bytes = file(`{${entries.reverse()}}`, 400_000);
    const milliseconds = [1, 2, 3].map(() =>
      cpuMilliseconds(() => expect(readSafetensors(bytes).tensors.size).toBe(100_000)),
    );
    // The best of three: what shares a cache or a core only ever slows.
    expect(Math.min(...milliseconds)).toBeLessThan(1000);
  });

  test.each([
    ["nesting", `{${entry("a", "[".repeat(8e6), "")}}`],
    ["json", `{"${'\\"'.repeat(4e6)}`],
    ["json", `{${" ".repeat(8e6)}`],
    ["overflow", `{"a":{"dtype":"F32","shape":[${"9".repeat(8e6)}]`],
    ["rank", `{"a":{"dtype":"F32","shape":[${"1,".repeat(4e6)}`],
    ["entry", `{"${"\\u0041".repeat(1.3e6)}":0}`],
    ["metadata", `{"__metadata__":{"${"é".repeat(4e6)}":0`],
  ])("refuses as %s a header of 8 MB that costs work, within a second (%#)", (code, header) => {
    const bytes = file(header);
    expect(cpuMilliseconds(() => refusal(bytes))).toBeLessThan(1000);
    const error = refusal(bytes);
    expect(error.code).toBe(code);
    expect(error.message.length).toBeLessThan(1000);
  });
});

/** The code of the refusal, or "read" after the result was compared with what JSON.parse says and with the rules of the layout. */
function checkOutcome(bytes: Uint8Array): string {
  let read: ReturnType<typeof readSafetensors>;
  try {
    read = readSafetensors(bytes);
  } catch (error) {
    if (error instanceof SafetensorsError) return error.code;
    throw error;
  }
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const { __metadata__: texts = {}, ...rest } = JSON.parse(
    Buffer.from(bytes.subarray(8, 8 + length)).toString("utf8"),
  );
  expect(Object.fromEntries(read.metadata)).toEqual(texts);
  expect([...read.tensors.keys()].sort()).toEqual(Object.keys(rest).sort());
  let total = 0;
  for (const [key, { dtype, shape, bytes: view }] of read.tensors) {
    const [begin, end] = rest[key].data_offsets;
    expect({ dtype, shape }).toEqual({ dtype: rest[key].dtype, shape: rest[key].shape });
    expect(view).toEqual(new Uint8Array(bytes.subarray(8 + length + begin, 8 + length + end)));
    expect(view.length * 8).toBe(product(shape) * BITS[dtype]);
    total += view.length;
  }
  expect(total).toBe(bytes.length - 8 - length);
  return "read";
}

describe("floatsOf", () => {
  function stored(
    dtype: Dtype,
    bytes: Uint8Array,
    shape = [(bytes.length * 8) / BITS[dtype]],
  ): StoredTensor {
    return { dtype, shape, bytes };
  }

  /** `(-1)^s 2^(e - bias) (1 + m / 2^bits)`, and `2^(1 - bias) m / 2^bits` where e is 0. */
  function definition(code: number, exponentBits: number, mantissaBits: number): number {
    const bias = 2 ** (exponentBits - 1) - 1;
    const mantissa = (code % 2 ** mantissaBits) / 2 ** mantissaBits;
    const exponent = Math.floor(code / 2 ** mantissaBits) % 2 ** exponentBits;
    const sign = code >= 0x8000 ? -1 : 1;
    if (exponent === 2 ** exponentBits - 1)
      return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return (
      sign * (exponent === 0 ? 2 ** (1 - bias) * mantissa : 2 ** (exponent - bias) * (1 + mantissa))
    );
  }

  test.each([
    ["F16", 5, 10],
    ["BF16", 8, 7],
  ] as const)("converts each of the 65 536 codes of %s exactly", (dtype, e, m) => {
    // From an odd address: a file does not align its tensors.
    const bytes = new Uint8Array(2 * 65536 + 1).subarray(1);
    for (let code = 0; code < 65536; code++) bytes.set([code & 255, code >> 8], 2 * code);
    const floats = floatsOf(stored(dtype, bytes), "a");
    const wrong: string[] = [];
    for (let code = 0; code < 65536; code++) {
      const expected = definition(code, e, m);
      if (!Object.is(floats[code], expected))
        wrong.push(`${code.toString(16)}: ${floats[code]}, not ${expected}`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test("keeps the sign and the payload of a NaN", () => {
    const bitsOf = (floats: Float32Array) => [...new Uint32Array(floats.buffer)];
    const f32 = Uint8Array.of(0x01, 0x00, 0x80, 0xff, 0x45, 0x23, 0xa1, 0x7f);
    expect(bitsOf(floatsOf(stored("F32", f32), "a"))).toEqual([0xff800001, 0x7fa12345]);
    expect(bitsOf(floatsOf(stored("BF16", Uint8Array.of(0x81, 0xff)), "a"))).toEqual([0xff810000]);
    expect(bitsOf(floatsOf(stored("F16", Uint8Array.of(0x01, 0xfc)), "a"))).toEqual([0xff802000]);
  });

  test("rounds F64 to nearest, to infinity beyond f32", () => {
    const values = Float64Array.of(
      0.1,
      -0,
      1 + 2 ** -24,
      1 + 3 * 2 ** -24,
      2 ** -149,
      2 ** -151,
      1e39,
      -1e39,
      Number.NaN,
    );
    const floats = floatsOf(stored("F64", new Uint8Array(values.buffer)), "a");
    expect([...floats]).toEqual([...values].map(Math.fround));
  });

  test("copies: the file may change afterwards", () => {
    const bytes = Uint8Array.of(0, 0, 0x80, 0x3f);
    const floats = floatsOf(stored("F32", bytes), "a");
    bytes.fill(0);
    expect([...floats]).toEqual([1]);
  });

  test("takes the dtypes of real floats and no others", () => {
    for (const [dtype, bits] of Object.entries(BITS) as [Dtype, number][]) {
      const read = () => floatsOf(stored(dtype, new Uint8Array(bits), [8]), "a");
      if (["F64", "F32", "F16", "BF16"].includes(dtype))
        expect(read()).toEqual(new Float32Array(8));
      else
        expect(read).toThrow(
          new TypeError(`floatsOf: tensor "a": expected F32, F16, BF16, F64, got ${dtype}`),
        );
    }
  });

  test("refuses bytes that do not fit the shape", () => {
    for (const shape of [[3], [1], [0], [2, 2], [2 ** 40, 2 ** 40]]) {
      expect(() => floatsOf(stored("F32", new Uint8Array(8), shape), "a")).toThrow(RangeError);
    }
  });
});

describe("writeSafetensors", () => {
  const one = { shape: [1], data: Float32Array.of(1) };
  const write = (name: unknown, tensor: unknown = one) =>
    writeSafetensors([[name as string, tensor as typeof one]]);

  test.each([
    ["a shape of more numbers", RangeError, () => write("a", { shape: [2], data: one.data })],
    ["a shape of fewer numbers", RangeError, () => write("a", { shape: [0], data: one.data })],
    [
      "a shape that overflows before its 0",
      RangeError,
      () => write("a", { shape: [2 ** 40, 2 ** 40, 0], data: new Float32Array(0) }),
    ],
    ["a negative size", RangeError, () => write("a", { shape: [-1, -1], data: one.data })],
    ["a size that is not whole", RangeError, () => write("a", { shape: [0.5, 2], data: one.data })],
    ["a gap for a size", RangeError, () => write("a", { shape: Array(1), data: one.data })],
    ["a shape that is no list", TypeError, () => write("a", { shape: 1, data: one.data })],
    ["65 dimensions", RangeError, () => write("a", { shape: Array(65).fill(1), data: one.data })],
    ["data that is not f32", TypeError, () => write("a", { shape: [1], data: Float64Array.of(1) })],
    ["a name that is not text", TypeError, () => write(1)],
    [
      "a name twice",
      RangeError,
      () =>
        writeSafetensors([
          ["a", one],
          ["b", one],
          ["a", one],
        ]),
    ],
    ["the name of the metadata", RangeError, () => write("__metadata__")],
    ["the name __proto__", RangeError, () => write("__proto__")],
    ["a NUL in a name", RangeError, () => write("a\0")],
    ["half a surrogate pair in a name", RangeError, () => write("a\ud800")],
    ["metadata in an object", TypeError, () => writeSafetensors([], { a: "x" } as never)],
    [
      "metadata that is not text",
      TypeError,
      () => writeSafetensors([], new Map([["a", 1]]) as never),
    ],
    [
      "metadata under a forbidden key",
      RangeError,
      () => writeSafetensors([], new Map([["constructor", "x"]])),
    ],
    [
      "half a surrogate pair in metadata",
      RangeError,
      () => writeSafetensors([], new Map([["a", "\udc00"]])),
    ],
    ["a NUL in metadata", RangeError, () => writeSafetensors([], new Map([["a", "\0"]]))],
    [
      "metadata beyond the count",
      RangeError,
      () => writeSafetensors([], new Map(Array.from({ length: 100_001 }, (_, i) => [`${i}`, ""]))),
    ],
    [
      "a header beyond 100 MB",
      RangeError,
      () => writeSafetensors([], new Map([["a", "x".repeat(1e8)]])),
    ],
    [
      "tensors beyond the count",
      RangeError,
      () => writeSafetensors(Array.from({ length: 100_001 }, (_, i) => [`${i}`, one])),
    ],
  ])("refuses %s", (_, type, write) => {
    expect(write).toThrow(type);
    expect(write).toThrow(/^writeSafetensors: .*expected /);
  });

  test("says what was expected and what was got", () => {
    expect(() => write("a", { shape: [2, 3], data: one.data })).toThrow(
      'writeSafetensors: tensor "a": expected data for shape [2,3], got 1 numbers',
    );
  });

  test("writes part of a buffer, and shared memory", () => {
    const data = new Float32Array(new SharedArrayBuffer(16)).subarray(1, 3);
    data.set([5, 6]);
    const { tensors } = readSafetensors(write("a", { shape: [2], data }));
    expect([...floatsOf(tensors.get("a")!, "a")]).toEqual([5, 6]);
  });
});
