import { describe, expect, test } from "vitest";
import {
  adding,
  copying,
  featuresOf,
  latch,
  lineWindows,
  loadNames,
  take,
  textWindows,
  vocabulary,
  windows,
} from "../../src/data/index.ts";

const rowsOf = (values: ArrayLike<number>, width: number) =>
  Array.from({ length: values.length / width }, (_, i) =>
    Array.from({ length: width }, (_, j) => values[i * width + j]!),
  );

describe("text", () => {
  test("a vocabulary numbers characters by code point from 1, and takes them back", () => {
    const words = vocabulary("beat 😀é");
    expect(words.symbols).toEqual(["", " ", "a", "b", "e", "t", "é", "😀"]);
    expect([...words.encode("tea😀")]).toEqual([5, 4, 2, 7]);
    expect(words.decode([5, 4, 2, 7, 0, 0])).toBe("tea😀");
    expect(() => words.encode("bex")).toThrow(/symbol 3, "x", is not one of the 7/);
    expect(() => words.decode([8])).toThrow(/from 0 to 7, got 8/);
  });

  test("windows over a text: the next symbol, or the one after each", () => {
    const next = textWindows("abcabd", { length: 3 });
    expect(rowsOf(next.inputs, 3)).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]);
    expect([...next.targets]).toEqual([1, 2, 4]);
    expect(next).toMatchObject({ classes: 5, shape: [3], targetWidth: 1 });
    const every = textWindows("abcabdab", { length: 3, targets: "every" });
    expect(rowsOf(every.inputs, 3)).toEqual([
      [1, 2, 3],
      [1, 2, 4],
    ]);
    expect(rowsOf(every.targets, 3)).toEqual([
      [2, 3, 1],
      [2, 4, 1],
    ]);
    expect(() => textWindows("abc", { length: 3 })).toThrow(/more than length = 3 symbols, got 3/);
  });

  test("windows over lines begin with padding and end with the end", () => {
    const lines = ["ab", "c", ""];
    const next = lineWindows(lines, { length: 2 });
    expect(rowsOf(next.inputs, 2)).toEqual([
      [0, 0],
      [0, 1],
      [1, 2],
      [0, 0],
      [0, 3],
      [0, 0],
    ]);
    expect([...next.targets]).toEqual([1, 2, 0, 3, 0, 0]);
    const every = lineWindows(["abc", "c", ""], { length: 3, targets: "every" });
    expect(rowsOf(every.inputs, 3)).toEqual([
      [0, 1, 2],
      [0, 3, 0],
      [0, 0, 0],
    ]);
    expect(rowsOf(every.targets, 3)).toEqual([
      [1, 2, 3],
      [3, 0, -1],
      [0, -1, -1],
    ]);
  });

  test("the names are there, sorted, of letters and hyphens", async () => {
    const { female, male } = await loadNames();
    expect([female.length, male.length]).toEqual([4951, 3898]);
    for (const name of [...female, ...male]) expect(name).toMatch(/^[A-Za-z-]{2,15}$/);
    expect([female[0], female.at(-1), male[0], male.at(-1)]).toEqual([
      "Aaren",
      "Zuzana",
      "Aaron",
      "Zolly",
    ]);
    const lower = [...female, ...male].map((name) => name.toLowerCase());
    expect(vocabulary(lower).size).toBe(28); // 26 letters, the hyphen, the end
    const data = lineWindows(lower, { length: 3 });
    expect(data.rows).toBe(lower.reduce((sum, name) => sum + name.length + 1, 0));
  });
});

describe("windows over a series", () => {
  const series = Float32Array.from({ length: 12 }, (_, i) => i);

  test("by definition", () => {
    const data = windows(series, { length: 4, horizon: 2, stride: 3 });
    expect(rowsOf(data.inputs, 4)).toEqual([
      [0, 1, 2, 3],
      [3, 4, 5, 6],
      [6, 7, 8, 9],
    ]);
    expect(rowsOf(data.targets, 2)).toEqual([
      [4, 5],
      [7, 8],
      [10, 11],
    ]);
    expect(data.shape).toEqual([4, 1]);
  });

  test("of several features, all or one of them predicted", () => {
    const all = windows(series, { length: 2, features: 3 });
    expect(rowsOf(all.inputs, 6)[1]).toEqual([3, 4, 5, 6, 7, 8]);
    expect(rowsOf(all.targets, 3)).toEqual([
      [6, 7, 8],
      [9, 10, 11],
    ]);
    const one = windows(series, { length: 2, features: 3, target: 1 });
    expect([...one.targets]).toEqual([7, 10]);
    expect(() => windows(series, { length: 2, features: 3, target: 3 })).toThrow(
      /from 0 to 2, got 3/,
    );
    expect(() => windows(series, { length: 12 })).toThrow(/= 13 times, got 12/);
    expect(() => windows(series, { length: 2, features: 5 })).toThrow(/times of 5 values/);
    expect(() => windows(series, { length: 2, stride: 0 })).toThrow(/stride must be/);
  });
});

describe("tasks", () => {
  test.each([
    ["adding", () => adding({ rows: 40, seed: 3 }), () => adding({ rows: 10, seed: 3 })],
    ["latch", () => latch({ rows: 40, seed: 3 }), () => latch({ rows: 10, seed: 3 })],
    ["copying", () => copying({ rows: 40, seed: 3 }), () => copying({ rows: 10, seed: 3 })],
  ])(
    "%s: the first rows of a larger set are a smaller one, and the seed matters",
    (_, large, small) => {
      const [a, b] = [take(large(), 10), small()];
      expect([...a.inputs]).toEqual([...b.inputs]);
      expect([...a.targets]).toEqual([...b.targets]);
    },
  );

  test("adding: two marks, one a half, and their sum", () => {
    const length = 7;
    const data = adding({ rows: 500, length, seed: 1 });
    expect(featuresOf(data)).toBe(14);
    for (const [row, values] of rowsOf(data.inputs, 14).entries()) {
      const marked = values.flatMap((x, i) => (i % 2 === 1 && x === 1 ? [(i - 1) / 2] : []));
      expect(marked.length).toBe(2);
      expect(marked[0]).toBeLessThan(3);
      expect(marked[1]).toBeGreaterThanOrEqual(3);
      const sum = marked.reduce((total, t) => total + values[2 * t]!, 0);
      expect(data.targets[row]).toBeCloseTo(sum, 6);
    }
    // Variance 1/6, its estimate over 500 rows within 6 standard errors (kurtosis of the triangle 2.4).
    const sums = [...data.targets];
    const mean = sums.reduce((a, b) => a + b, 0) / 500;
    const variance = sums.reduce((sum, t) => sum + (t - mean) ** 2, 0) / 500;
    expect(Math.abs(variance - 1 / 6)).toBeLessThan((6 / 6) * Math.sqrt(1.4 / 500));
  });

  test("latch: the first sign, then noise of deviation 0.3", () => {
    const length = 50;
    const data = latch({ rows: 200, length, seed: 1 });
    let squares = 0;
    for (const [row, values] of rowsOf(data.inputs, length).entries()) {
      expect(values[0]).toBe(data.targets[row] === 1 ? 1 : -1);
      for (const x of values.slice(1)) squares += x * x;
    }
    const n = 200 * 49;
    // Relative standard error of a variance: sqrt(2 / n).
    expect(Math.abs(squares / n / 0.09 - 1)).toBeLessThan(6 * Math.sqrt(2 / n));
    expect(new Set(data.targets)).toEqual(new Set([0, 1]));
  });

  test("copying: symbols, blanks, the sign, and the symbols again", () => {
    const data = copying({ rows: 100, length: 5, symbols: 3, span: 4, seed: 1 });
    expect(data).toMatchObject({ shape: [13], classes: 4, targetWidth: 13 });
    for (const [row, values] of rowsOf(data.inputs, 13).entries()) {
      const symbols = values.slice(0, 4);
      for (const symbol of symbols) expect([1, 2, 3]).toContain(symbol);
      expect(values.slice(4)).toEqual([0, 0, 0, 0, 4, 0, 0, 0, 0]);
      const targets = [...data.targets.subarray(row * 13, row * 13 + 13)];
      expect(targets).toEqual([...new Array<number>(9).fill(0), ...symbols]);
    }
    expect(new Set(data.inputs)).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(() => copying({ span: 0 })).toThrow(/span must be/);
    expect(() => adding({ length: 1 })).toThrow(/length must be .* at least 2, got 1/);
  });
});
