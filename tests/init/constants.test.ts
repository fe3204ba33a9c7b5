import { describe, expect, test } from "vitest";
import { initializer, resolve } from "../../src/init/initializer.ts";
import { SCHEMES } from "../../src/init/schemes/index.ts";
import { denseSpec } from "../../src/init/specs.ts";
import { sylvester } from "../../src/init/transforms.ts";
import {
  apply,
  convKernel,
  convolve,
  draw,
  gatedKernel,
  mapOf,
  orthonormalError,
  rankOf,
} from "./support.ts";

const SHAPES = [
  [1, 1],
  [1, 7],
  [7, 1],
  [3, 5],
  [16, 16],
  [8, 32],
  [32, 8],
  [12, 20],
  [45, 30],
] as const;

const names = SCHEMES.filter(({ family }) => family === "constants and patterns").map(
  ({ name }) => name,
);
const input = (n: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(1 + i * i));

describe.each(names)("%s", (name) => {
  test("needs no seed: two seeds give the same bits, of the size the theory says", () => {
    for (const spec of [denseSpec(12, 20), convKernel([3, 3], 4, 8, 2), gatedKernel(5, 6, 4)]) {
      const values = draw(name, spec, 1);
      expect(draw(name, spec, 2)).toEqual(values);
      const { theory } = resolve(initializer(name), spec);
      const square = values.reduce((sum, x) => sum + x * x, 0) / values.length;
      expect(square).toBeCloseTo(theory.std ** 2 + theory.mean ** 2, 6);
    }
  });
});

describe("a convolution by dirac or identity returns its input", () => {
  test.each([
    [[1, 1], 1],
    [[3, 3], 1],
    [[5, 3], 1],
    [[2, 2], 1],
    [[4, 3], 1],
    [[3, 3], 2],
    [[3, 3], 6],
  ] as const)("window %j, %d groups", (size, groups) => {
    const spec = convKernel(size, 6, 6, groups);
    const x = input(5 * 4 * 6);
    for (const name of ["dirac", "identity"]) {
      expect(convolve(x, [5, 4], draw(name, spec), spec)).toEqual(x);
    }
    const half = convolve(x, [5, 4], draw("dirac:gain=0.5", spec), spec);
    expect(half).toEqual(x.map((value) => value / 2));
  });
});

test("dirac has the middle of an even window at [0, 0] of 2, or with centre=ceil at [1, 1] as PyTorch", () => {
  const spec = convKernel([2, 2], 1, 1);
  expect([...draw("dirac", spec)]).toEqual([1, 0, 0, 0]);
  expect([...draw("dirac:centre=ceil", spec)]).toEqual([0, 0, 0, 1]);
  const odd = convKernel([3, 3], 2, 2);
  expect(draw("dirac:centre=ceil", odd)).toEqual(draw("dirac", odd));
});

test("dirac gives the outputs beyond the inputs nothing, and drops inputs beyond the outputs", () => {
  const ones = (spec: Parameters<typeof draw>[1]) =>
    draw("dirac", spec).reduce((sum, x) => sum + x, 0);
  expect(ones(convKernel([3, 3], 4, 8, 2))).toBe(4);
  expect(ones(convKernel([3, 3], 8, 4, 2))).toBe(4);
});

test("identity is gain I in every gate", () => {
  const spec = gatedKernel(6, 6, 4);
  for (const map of spec.maps) {
    const w = mapOf(draw("identity:gain=0.5", spec), map);
    w.forEach((value, at) => {
      expect(value).toBe(at % 7 === 0 ? 0.5 : 0);
    });
  }
});

describe("partial_identity", () => {
  test.each(SHAPES)("[%d, %d] has full rank and reaches every input and output alike", (m, n) => {
    const w = draw("partial_identity:gain=2", denseSpec(m, n));
    const short = Math.min(m, n);
    w.forEach((value, at) => {
      const [i, o] = [Math.floor(at / n), at % n];
      expect(value).toBe(i % short === o % short ? 2 : 0);
    });
    expect(rankOf(w, m, n)).toBe(short);
    for (const sum of apply(new Float32Array(m).fill(1), w, n)) expect(sum).toBeGreaterThan(0);
  });
});

/** Sylvester's matrix by its definition, H_2n = [[H, H], [H, -H]]. */
function sylvesterMatrix(n: number): number[][] {
  if (n === 1) return [[1]];
  const half = sylvesterMatrix(n / 2);
  return [
    ...half.map((row) => [...row, ...row]),
    ...half.map((row) => [...row, ...row.map((x) => -x)]),
  ];
}

test("Sylvester's sign is that of the recursive definition", () => {
  sylvesterMatrix(64).forEach((row, i) => {
    row.forEach((value, j) => {
      expect(sylvester(i, j)).toBe(value);
    });
  });
  // Bits beyond the lowest 16 count as well.
  expect(sylvester(2 ** 20 + 2 ** 30, 2 ** 20)).toBe(-1);
  expect(sylvester(2 ** 20 + 2 ** 30, 2 ** 20 + 2 ** 30)).toBe(1);
});

describe("zero_hadamard", () => {
  test.each(SHAPES)(
    "[%d, %d] is Algorithm 1: I_(m, p) H_p I_(p, n) / sqrt(p) when it widens",
    (n, m) => {
      const w = draw("ZerO", denseSpec(n, m));
      const p = 2 ** Math.ceil(Math.log2(m));
      const h = sylvesterMatrix(p);
      w.forEach((value, at) => {
        const [i, o] = [Math.floor(at / m), at % m];
        const expected = m <= n ? (i === o ? 1 : 0) : h[o]![i]! / Math.sqrt(p);
        expect(value).toBe(Math.fround(expected));
      });
      expect(rankOf(w, n, m)).toBe(Math.min(n, m));
    },
  );

  test("is an isometry where it widens to a power of two", () => {
    expect(orthonormalError(draw("zero_hadamard", denseSpec(20, 64)), 20, 64)).toBeLessThan(1e-6);
  });

  test("lies at the middle of a convolution's window", () => {
    const w = draw("zero_hadamard", convKernel([3, 3], 4, 8));
    const size = 4 * 8;
    expect(w.slice(4 * size, 5 * size)).toEqual(draw("zero_hadamard", denseSpec(4, 8)));
    expect(w.filter((x) => x !== 0)).toHaveLength(size);
  });
});

describe.each(["hadamard", "dct"])("%s", (name) => {
  test.each(SHAPES)("[%d, %d]: the shorter side is orthonormal", (m, n) => {
    expect(orthonormalError(draw(name, denseSpec(m, n)), m, n)).toBeLessThan(1e-6);
    expect(orthonormalError(draw(`${name}:gain=3`, denseSpec(m, n)), m, n, 3)).toBeLessThan(9e-6);
  });

  test("of every gate and group", () => {
    for (const spec of [gatedKernel(12, 8, 4), convKernel([3, 3], 4, 8, 2)]) {
      for (const map of spec.maps) {
        const w = mapOf(draw(name, spec), map);
        expect(orthonormalError(w, map.inputs, map.outputs)).toBeLessThan(1e-6);
      }
    }
  });

  test("leaves no input and no output out", () => {
    for (const [m, n] of SHAPES) {
      const w = draw(name, denseSpec(m, n)).map((x) => x * x);
      for (const sum of apply(new Float32Array(m).fill(1), w, n)) expect(sum).toBeGreaterThan(0);
      for (let i = 0; i < m; i++) {
        const row = w.subarray(i * n, (i + 1) * n);
        expect(row.reduce((sum, x) => sum + x, 0)).toBeGreaterThan(0);
      }
    }
  });
});

test("hadamard of a power of two has entries of one size only, and is Sylvester's matrix", () => {
  const w = draw("hadamard", denseSpec(16, 16));
  const h = sylvesterMatrix(16).flat();
  w.forEach((value, at) => {
    expect(value).toBe(h[at]! / 4);
  });
});

test("dct takes the first coefficients of its input when it narrows", () => {
  const [n, m] = [30, 8];
  const x = input(n);
  const y = apply(x, draw("dct", denseSpec(n, m)), m);
  y.forEach((value, k) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += x[j]! * Math.cos((Math.PI * (2 * j + 1) * k) / (2 * n));
    // Each of the n products is off by half an ulp of an entry below sqrt(2 / n).
    const bound = n * 2 ** -24 * Math.sqrt(2 / n);
    expect(Math.abs(value - sum * Math.sqrt((k === 0 ? 1 : 2) / n))).toBeLessThan(bound);
  });
});

test("dirac refuses a centre that it does not know", () => {
  expect(() => draw("dirac:centre=left", convKernel([2, 2], 1, 1))).toThrow(
    "centre: expected floor or ceil, got left",
  );
});
