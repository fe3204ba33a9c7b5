import * as fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { classCounts } from "../../src/data/dataset.ts";
import type { GeneratorOptions } from "../../src/data/generators.ts";
import { circles, gaussians, moons, spirals, teacher, xor } from "../../src/data/generators.ts";

const GENERATORS: Record<string, (options?: GeneratorOptions) => Dataset> = {
  spirals,
  moons,
  circles,
  xor,
  gaussians,
  teacher,
};

/** Points are rounded to f32: half an ulp of a coordinate below 2. */
const ROUNDING = 2 ** -23;

const pointsOf = ({ rows, inputs, targets }: Dataset) =>
  Array.from({ length: rows }, (_, i) => ({
    x: inputs[2 * i]!,
    y: inputs[2 * i + 1]!,
    label: targets[i]!,
  }));

describe.each(Object.entries(GENERATORS))("%s", (_, generate) => {
  test("draws the rows asked for, the same for the same seed, others for another", () => {
    const a = generate({ rows: 50, seed: 5 });
    expect(a.rows).toBe(50);
    expect(a.inputs).toEqual(generate({ rows: 50, seed: 5 }).inputs);
    expect(a.inputs).not.toEqual(generate({ rows: 50, seed: 6 }).inputs);
    expect(generate().rows).toBe(1000);
  });

  test("a smaller set is the start of a larger one", () => {
    const small = generate({ rows: 7, seed: 9 });
    const large = generate({ rows: 20, seed: 9 });
    expect(small.inputs).toEqual(large.inputs.subarray(0, small.inputs.length));
    expect(small.targets).toEqual(large.targets.subarray(0, 7));
  });

  test.each([
    [{ rows: 0 }, /rows must be a whole number of at least 1, got 0$/],
    [{ rows: 1.5 }, /rows must be a whole number of at least 1, got 1.5$/],
    [{ rows: 2 ** 40 }, /at most 1073741824 values fit, got 1099511627776 x/],
    [{ noise: -1 }, /noise must be a finite number that is not negative, got -1$/],
    [{ noise: Number.NaN }, /noise must be a finite number that is not negative, got NaN$/],
    [{ seed: -1 }, /seed: expected a whole number from 0/],
  ])("rejects %o", (options, message) => {
    expect(() => generate(options)).toThrow(RangeError);
    expect(() => generate(options)).toThrow(message);
  });
});

describe("shapes without noise follow their formulas", () => {
  test("spirals: the angle of a point is its radius times the turns, plus its arm's", () => {
    const turns = 2.5;
    for (const { x, y, label } of pointsOf(spirals({ noise: 0, classes: 3, turns, rows: 300 }))) {
      const radius = Math.hypot(x, y);
      expect(radius).toBeGreaterThan(0.1 - ROUNDING);
      expect(radius).toBeLessThan(1 + ROUNDING);
      const turn = (turns * (radius - 0.1)) / 0.9 + label / 3;
      const difference = Math.atan2(y, x) / (2 * Math.PI) - turn;
      // A rounding error e of a coordinate turns the angle by e / radius, and the expected angle by turns e / 0.9.
      const bound = ROUNDING / radius + (turns * ROUNDING) / 0.9;
      expect(Math.abs(difference - Math.round(difference))).toBeLessThan(bound);
    }
  });

  test("moons: half circles of radius 1 around (0, 0) and (1, 1/2)", () => {
    for (const { x, y, label } of pointsOf(moons({ noise: 0 }))) {
      const radius = label === 0 ? Math.hypot(x, y) : Math.hypot(x - 1, y - 0.5);
      expect(Math.abs(radius - 1)).toBeLessThan(2 * ROUNDING);
      expect(label === 0 ? y : 0.5 - y).toBeGreaterThanOrEqual(-ROUNDING);
    }
  });

  test("circles: class c of k on radius (c + 1) / k, all around", () => {
    const points = pointsOf(circles({ noise: 0, classes: 4, rows: 400 }));
    for (const { x, y, label } of points) {
      expect(Math.abs(Math.hypot(x, y) - (label + 1) / 4)).toBeLessThan(2 * ROUNDING);
    }
    const quadrants = new Set(points.map(({ x, y }) => `${x > 0}${y > 0}`));
    expect(quadrants.size).toBe(4);
  });

  test("xor: the class is whether the signs differ, on the whole square", () => {
    const points = pointsOf(xor());
    for (const { x, y, label } of points) expect(label).toBe(x < 0 !== y < 0 ? 1 : 0);
    expect(Math.max(...points.map(({ x }) => Math.abs(x)))).toBeGreaterThan(0.98);
    expect(Math.max(...points.map(({ x }) => Math.abs(x)))).toBeLessThanOrEqual(1);
  });
});

test("noise has the standard deviation asked for, and moves no label", () => {
  const rows = 5000;
  const clean = moons({ rows, noise: 0 });
  const noisy = moons({ rows, noise: 0.25 });
  expect(noisy.targets).toEqual(clean.targets);
  let square = 0;
  noisy.inputs.forEach((x, i) => {
    square += (x - clean.inputs[i]!) ** 2 / noisy.inputs.length;
  });
  // Five standard errors of a variance estimated from 2 rows values.
  expect(Math.abs(square / 0.0625 - 1)).toBeLessThan(5 * Math.sqrt(2 / (2 * rows)));
});

describe("gaussians", () => {
  test("classes are centred on the unit vectors and their negatives", () => {
    const { inputs, targets, rows } = gaussians({
      rows: 6000,
      classes: 6,
      features: 3,
      noise: 0.5,
    });
    const mean = new Float64Array(18);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < 3; j++) mean[targets[i]! * 3 + j]! += inputs[3 * i + j]! / 1000;
    }
    const centres = [1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, -1, 0, 0, 0, -1];
    const bound = (5 * 0.5) / Math.sqrt(1000);
    centres.forEach((centre, k) => {
      expect(Math.abs(mean[k]! - centre)).toBeLessThan(bound);
    });
  });

  test("the error of the best classifier is Phi(-1 / (sqrt(2) noise))", () => {
    const rows = 20_000;
    const { inputs, targets } = gaussians({ rows, classes: 2, noise: 1 / Math.SQRT2 });
    let errors = 0;
    for (let i = 0; i < rows; i++) {
      if ((inputs[2 * i]! > inputs[2 * i + 1]! ? 0 : 1) !== targets[i]) errors++;
    }
    const expected = 0.158655; // Phi(-1)
    const deviation = Math.sqrt((expected * (1 - expected)) / rows);
    expect(Math.abs(errors / rows - expected)).toBeLessThan(5 * deviation);
  });

  test("rejects more classes than there are centres", () => {
    expect(() => gaussians({ classes: 5, features: 2 })).toThrow(
      new RangeError("gaussians: 2 features have room for 4 classes, got 5"),
    );
  });
});

describe("teacher", () => {
  test("a class is the index of the largest output of the same teacher for regression", () => {
    const rows = 200;
    const { targets } = teacher({ rows, classes: 5, seed: 3, noise: 0.1 });
    const outputs = teacher({ rows, classes: 0, outputs: 5, seed: 3, noise: 0.1 });
    expect(outputs).toMatchObject({ classes: 0, targetWidth: 5 });
    for (let i = 0; i < rows; i++) {
      const row = [...outputs.targets.subarray(5 * i, 5 * i + 5)];
      expect(row.indexOf(Math.max(...row))).toBe(targets[i]);
    }
  });

  test("inputs are N(0, 1), every class occurs, and one hidden unit makes outputs proportional", () => {
    const dataset = teacher({ rows: 2000 });
    let square = 0;
    for (const x of dataset.inputs) square += x ** 2 / dataset.inputs.length;
    expect(Math.abs(square - 1)).toBeLessThan(5 * Math.sqrt(2 / dataset.inputs.length));
    expect(Math.min(...classCounts(dataset))).toBeGreaterThan(0);

    const { targets } = teacher({ rows: 50, classes: 0, outputs: 2, hidden: 1 });
    const active = Array.from({ length: 50 }, (_, i) => [targets[2 * i]!, targets[2 * i + 1]!]);
    const lit = active.filter(([first]) => first !== 0);
    expect(lit.length).toBeGreaterThan(10);
    expect(lit.length).toBeLessThan(40); // relu: about half are dark
    const ratio = lit[0]![1]! / lit[0]![0]!;
    for (const [first, second] of lit) {
      expect(Math.abs(second! / first! / ratio - 1)).toBeLessThan(4 * 2 ** -23);
    }
  });
});

test("nothing that draws calls a function whose bits the engine may choose", () => {
  for (const file of ["generators", "philox", "portable-math", "split"]) {
    const source = fs.readFileSync(new URL(`../../src/data/${file}.ts`, import.meta.url), "utf8");
    const calls = new Set([...source.matchAll(/Math\.\w+\(/g)].map(([call]) => call));
    const exact = ["Math.floor(", "Math.round(", "Math.imul(", "Math.sqrt(", "Math.max("];
    expect(exact).toEqual(expect.arrayContaining([...calls]));
    expect(source).not.toContain("**=");
  }
});
