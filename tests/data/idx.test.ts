import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { IdxData, IdxOptions, IdxType } from "../../src/data/idx.ts";
import { idxDataset, parseIdx } from "../../src/data/idx.ts";
import { dataErrorOf, IDX_CODES, RUNS, withDataErrors, writeIdx } from "./support.ts";

const ARRAYS: Record<IdxType, { from(values: number[]): IdxData }> = {
  u8: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
};
const TYPES = Object.keys(ARRAYS) as IdxType[];

/** Two images of 2 x 3 and their labels. */
const IMAGES = writeIdx("u8", [2, 2, 3], [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]);
const LABELS = writeIdx("u8", [2], [3, 0]);
const magicHint = "MNIST's files start with 00 00 08 03 (images) and 00 00 08 01 (labels)";
const magic = "an IDX header (00 00, a type from 08 to 0e, a rank from 1 to 8)";

describe("parseIdx", () => {
  test.each(TYPES)("reads %s, its extremes included", (type) => {
    const extremes: Record<IdxType, number[]> = {
      u8: [0, 1, 128, 255],
      i8: [0, 1, -128, 127],
      i16: [-1, 258, -32_768, 32_767],
      i32: [-1, 16_909_060, -(2 ** 31), 2 ** 31 - 1],
      f32: [-0, 2 ** -149, Math.fround(Math.PI), Number.NEGATIVE_INFINITY],
      f64: [-0, Number.MIN_VALUE, Math.PI, Number.NaN],
    };
    const values = extremes[type];
    expect(parseIdx(writeIdx(type, [2, 2], values))).toEqual({
      dims: [2, 2],
      type,
      data: ARRAYS[type].from(values),
    });
  });

  test("single bytes are a view, not a copy", () => {
    expect(parseIdx(IMAGES).data.buffer).toBe(IMAGES.buffer);
  });

  const options: IdxOptions = { name: "f" };
  test.each<[string, Uint8Array, string, IdxOptions?]>([
    [
      "an empty file",
      new Uint8Array(0),
      `f, byte 0: expected ${magic}, got an empty file; ${magicHint}`,
    ],
    [
      "three bytes",
      Uint8Array.of(0, 0, 8),
      `f, byte 0: expected ${magic}, got 00 00 08; ${magicHint}`,
    ],
    [
      "another format",
      new TextEncoder().encode("\u0089PNG"),
      `f, byte 0: expected ${magic}, got c2 89 50 4e; ${magicHint}`,
    ],
    [
      "an unknown type",
      Uint8Array.of(0, 0, 10, 1),
      `f, byte 0: expected ${magic}, got 00 00 0a 01; ${magicHint}`,
    ],
    [
      "rank 0",
      Uint8Array.of(0, 0, 8, 0, 5),
      `f, byte 0: expected ${magic}, got 00 00 08 00; ${magicHint}`,
    ],
    [
      "rank 9",
      Uint8Array.of(0, 0, 8, 9),
      `f, byte 0: expected ${magic}, got 00 00 08 09; ${magicHint}`,
    ],
    [
      "a header cut short",
      IMAGES.subarray(0, 15),
      "f: expected a header of 16 bytes, got 15; the file is truncated; fetch it again",
    ],
    [
      "data cut short",
      IMAGES.subarray(0, -1),
      "f: expected 12 bytes of data for u8 of [2,2,3], got 11; the file is truncated; fetch it again",
    ],
    [
      "a byte too many",
      Uint8Array.of(...IMAGES, 0),
      "f, byte 28: expected 12 bytes of data for u8 of [2,2,3], got 13; there are bytes after the end; the file is damaged or of another format",
    ],
    [
      "gzip of a header cut short",
      gzipSync(IMAGES.subarray(0, 15)),
      "f: expected a header of 16 bytes, got 15; the file is truncated; fetch it again",
    ],
    [
      "gzip of nothing",
      gzipSync(""),
      `f, byte 0: expected ${magic}, got an empty file; ${magicHint}`,
    ],
    [
      "gzip of data cut short",
      gzipSync(IMAGES.subarray(0, -1)),
      "f: expected 12 bytes of data for u8 of [2,2,3], got 11; the file is truncated; fetch it again",
    ],
    [
      "gzip of a byte too many",
      gzipSync(Uint8Array.of(...IMAGES, 0)),
      "f, byte 28: expected 12 bytes of data for u8 of [2,2,3], got more; there are bytes after the end; the file is damaged or of another format",
    ],
    [
      "gzip of gzip",
      gzipSync(gzipSync(IMAGES)),
      `f, byte 0: expected ${magic}, got 1f 8b 08 00; the file is compressed twice; decompress it once`,
    ],
    [
      "a size of zero",
      writeIdx("u8", [2, 0, 3], []),
      "f, byte 8: expected positive sizes, got [2,0,3]; the file holds no data; fetch or write it again",
    ],
    [
      "a product that wraps 32 bits to 0",
      writeIdx("f32", [65_536, 65_536], []),
      "f, byte 4: expected at most 1073741824 bytes of data, got sizes [65536,65536], which make 17179869184; the header is damaged, or raise maxBytes",
    ],
    [
      "a product that wraps 32 bits to a negative number",
      writeIdx("u8", [46_341, 46_341], []),
      "f, byte 4: expected at most 1073741824 bytes of data, got sizes [46341,46341], which make 2147488281; the header is damaged, or raise maxBytes",
    ],
    [
      "a product beyond 2^53",
      writeIdx("u8", [2 ** 32 - 1, 2 ** 32 - 1, 2], []),
      "f, byte 4: expected at most 1073741824 bytes of data, got sizes [4294967295,4294967295,2], which make 36893488130239234000; the header is damaged, or raise maxBytes",
    ],
    [
      "a product beyond 2^53 with no cap to stop it",
      writeIdx("u8", [2 ** 32 - 1, 2 ** 32 - 1], []),
      "f, byte 4: expected at most Infinity bytes of data, got sizes [4294967295,4294967295], which make 18446744065119617000; the header is damaged, or raise maxBytes",
      { maxBytes: Number.POSITIVE_INFINITY },
    ],
    [
      "more than the cap",
      IMAGES,
      "f, byte 4: expected at most 11 bytes of data, got sizes [2,2,3], which make 12; the header is damaged, or raise maxBytes",
      { maxBytes: 11 },
    ],
    [
      "gzip of more than the cap",
      gzipSync(IMAGES),
      "f, byte 4: expected at most 11 bytes of data, got sizes [2,2,3], which make 12; the header is damaged, or raise maxBytes",
      { maxBytes: 11 },
    ],
  ])("rejects %s", (_, bytes, message, given) => {
    expect(dataErrorOf(() => parseIdx(bytes, { ...options, ...given })).message).toBe(message);
  });

  test("exactly the cap is allowed, plain and gzipped", () => {
    expect(parseIdx(IMAGES, { maxBytes: 12 }).dims).toEqual([2, 2, 3]);
    expect(parseIdx(gzipSync(IMAGES), { maxBytes: 12 }).dims).toEqual([2, 2, 3]);
  });

  test("a file that ends at any byte before its end is a DataError, plain and gzipped", () => {
    for (const whole of [IMAGES, new Uint8Array(gzipSync(IMAGES))]) {
      expect(parseIdx(whole).dims).toEqual([2, 2, 3]);
      for (let length = 0; length < whole.length; length++) {
        dataErrorOf(() => parseIdx(whole.slice(0, length)));
      }
    }
  });

  test("a megabyte arrives in pieces and is whole", () => {
    const values = Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * i) >>> 7);
    const { data } = parseIdx(gzipSync(writeIdx("u8", [2 ** 20], values)));
    expect(Buffer.compare(data as Uint8Array, values)).toBe(0);
  });
});

describe("decompression bombs", () => {
  test("a header that declares far more than its bytes can hold is refused before allocating", () => {
    const bytes = gzipSync(writeIdx("u8", [2 ** 30], []));
    expect(dataErrorOf(() => parseIdx(bytes, { name: "f" })).message).toBe(
      `f: expected at most 16777216 bytes out of ${bytes.length} compressed ones, got more; ` +
        "this looks like a decompression bomb; if the file is what it should be, raise maxRatio",
    );
  });

  test("a small header before many zeros is stopped at the declared size", () => {
    const bytes = gzipSync(Buffer.concat([IMAGES, new Uint8Array(2 ** 24)]), { level: 9 });
    expect(dataErrorOf(() => parseIdx(bytes, { name: "f" })).message).toMatch(
      /^f, byte 28: expected 12 bytes of data for u8 of \[2,2,3\], got more;/,
    );
  });

  test("32 MiB of zeros with an honest header pass only with a higher ratio", () => {
    const bytes = new Uint8Array(
      gzipSync(writeIdx("u8", [2 ** 25], new Uint8Array(2 ** 25)), { level: 9 }),
    );
    expect(dataErrorOf(() => parseIdx(bytes)).hint).toMatch(
      /^this looks like a decompression bomb/,
    );
    expect(parseIdx(bytes, { maxRatio: 1100 }).data).toHaveLength(2 ** 25);
  });
});

describe("idxDataset", () => {
  test("joins images and labels; bytes become fractions of 255", () => {
    const dataset = idxDataset(IMAGES, gzipSync(LABELS), { name: "mini" });
    expect(dataset).toMatchObject({ name: "mini", rows: 2, shape: [2, 3], classes: 4 });
    expect([...dataset.targets]).toEqual([3, 0]);
    const bytes = [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6];
    expect(dataset.inputs).toEqual(Float32Array.from(bytes, (x) => x * (1 / 255)));
    expect(dataset.inputs[5]).toBe(1);
  });

  test("other types are not scaled, and options are obeyed", () => {
    const floats = writeIdx("f32", [2, 1], [0.5, -2]);
    const classNames = ["a", "b", "c", "d", "e"];
    const dataset = idxDataset(floats, LABELS, { classNames });
    expect(dataset).toMatchObject({ classes: 5, classNames, shape: [1] });
    expect([...dataset.inputs]).toEqual([0.5, -2]);
    expect([...idxDataset(floats, LABELS, { scale: 2, classes: 4 }).inputs]).toEqual([1, -4]);
    expect(idxDataset(writeIdx("f32", [2], [1, 2]), LABELS).shape).toEqual([1]);
  });

  const pair = "give the images first and the labels second";
  test.each<[string, Uint8Array, Uint8Array, string]>([
    [
      "other counts",
      IMAGES,
      writeIdx("u8", [3], [0, 0, 0]),
      "f labels: expected 2 labels, one for each image, got 3; the two files are not of the same set; pair train with train and t10k with t10k",
    ],
    [
      "files in the wrong order",
      LABELS,
      IMAGES,
      `f labels: expected whole numbers along one axis, got u8 of [2,2,3]; ${pair}`,
    ],
    [
      "fractions as labels",
      IMAGES,
      writeIdx("f32", [2], [0, 1]),
      `f labels: expected whole numbers along one axis, got f32 of [2]; ${pair}`,
    ],
    [
      "a negative label",
      IMAGES,
      writeIdx("i8", [2], [0, -1]),
      "f labels, row 2: expected a class index from 0 to 65535, got -1; count the classes from 0",
    ],
    [
      "a huge label",
      IMAGES,
      writeIdx("i32", [2], [2 ** 31 - 1, 0]),
      "f labels, row 1: expected a class index from 0 to 65535, got 2147483647; count the classes from 0",
    ],
    [
      "NaN among the inputs",
      writeIdx("f64", [2, 2], [0, 1, Number.NaN, 2]),
      LABELS,
      "f, row 2, column 1: expected a finite number, got NaN; drop the row, fill in the value, or scale the column into the range of f32 (3.4e38)",
    ],
    [
      "a double beyond f32",
      writeIdx("f64", [2, 1], [0, 1e39]),
      LABELS,
      "f, row 2, column 1: expected a finite number, got Infinity; drop the row, fill in the value, or scale the column into the range of f32 (3.4e38)",
    ],
    [
      "images that are truncated",
      IMAGES.subarray(0, 20),
      LABELS,
      "f images: expected 12 bytes of data for u8 of [2,2,3], got 4; the file is truncated; fetch it again",
    ],
  ])("rejects %s", (_, images, labels, message) => {
    expect(dataErrorOf(() => idxDataset(images, labels, { name: "f" })).message).toBe(message);
  });

  test("rejects a label beyond the classes that are stated", () => {
    expect(dataErrorOf(() => idxDataset(IMAGES, LABELS, { classes: 3 })).message).toBe(
      "idx, row 1, column label: expected a class index from 0 to 2, got 3; count the classes from 0, or raise their number",
    );
  });
});

describe("properties", () => {
  const dims = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  const tensor = fc.tuple(fc.constantFrom(...TYPES), dims).chain(([type, shape]) => {
    const size = shape.reduce((a, b) => a * b) * IDX_CODES[type].size;
    return fc.record({
      type: fc.constant(type),
      dims: fc.constant(shape),
      bytes: fc.uint8Array({ minLength: size, maxLength: size }),
    });
  });

  test("what is written is read back, plain and gzipped, at any offset of a buffer", () => {
    fc.assert(
      fc.property(tensor, fc.boolean(), fc.nat(7), ({ type, dims, bytes }, isPacked, offset) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const get = {
          u8: view.getUint8,
          i8: view.getInt8,
          i16: view.getInt16,
          i32: view.getInt32,
          f32: view.getFloat32,
          f64: view.getFloat64,
        }[type];
        const { size } = IDX_CODES[type];
        const values = Array.from({ length: bytes.length / size }, (_, i) =>
          get.call(view, i * size),
        );
        const file = writeIdx(type, dims, values);
        const packed = isPacked ? gzipSync(file) : file;
        const shifted = new Uint8Array(packed.length + offset);
        shifted.set(packed, offset);
        const got = parseIdx(shifted.subarray(offset));
        expect(got).toEqual({ dims, type, data: ARRAYS[type].from(values) });
      }),
      { numRuns: RUNS },
    );
  });

  const header = fc
    .tuple(fc.constantFrom(8, 9, 10, 11, 12, 13, 14), fc.nat(9), fc.uint8Array({ maxLength: 60 }))
    .map(([type, rank, rest]) => Uint8Array.of(0, 0, type, rank, ...rest));
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    header,
    header.map((bytes) => new Uint8Array(gzipSync(bytes))),
    fc
      .uint8Array({ maxLength: 200 })
      .map((rest) => Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...rest)),
  );

  test("any bytes give a tensor whose size is the product of its sizes, or a DataError", () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const idx = withDataErrors(() => parseIdx(bytes));
        if (idx === undefined) return;
        expect(idx.data.length).toBe(idx.dims.reduce((a, b) => a * b));
      }),
      { numRuns: 2 * RUNS },
    );
  });

  test("any two files give a data set or a DataError", () => {
    fc.assert(
      fc.property(
        fc.oneof(anything, fc.constant(IMAGES)),
        fc.oneof(anything, fc.constant(LABELS)),
        (images, labels) => {
          withDataErrors(() => idxDataset(images, labels));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("a gzip file with damaged bytes never gives other data in silence", () => {
    const values = Uint8Array.from({ length: 300 }, (_, i) => (i * 37) >> 3);
    const file = new Uint8Array(gzipSync(writeIdx("u8", [300], values)));
    const damage = fc.record({
      at: fc.nat(file.length - 1),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    let caught = 0;
    fc.assert(
      fc.property(damage, ({ at, mask }) => {
        const damaged = file.slice();
        damaged[at]! ^= mask;
        const idx = withDataErrors(() => parseIdx(damaged));
        if (idx === undefined) caught++;
        else expect(idx.data).toEqual(values); // the time stamp and the like
      }),
      { numRuns: RUNS },
    );
    expect(caught).toBeGreaterThan(RUNS / 2);
  });
});
