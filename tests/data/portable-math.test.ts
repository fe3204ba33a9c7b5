import { describe, expect, test } from "vitest";
import { RandomStream } from "../../src/data/philox.ts";
import { cosTurns, log, sinTurns } from "../../src/data/portable-math.ts";

const SCALE = 1n << 200n;
// 2 pi to 60 digits
const TWO_PI =
  (6283185307179586476925286766559005768394338798750211641949889n * SCALE) / 10n ** 60n;

/** A double as a fraction of SCALE, exactly (for |x| >= 2^-147). */
function fixed(x: number): bigint {
  let mantissa = x;
  let shift = 0n;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    shift++;
  }
  return (BigInt(mantissa) * SCALE) >> shift;
}

/** sin(2 pi t), or the cosine, by Taylor's series in 200-bit fixed point. */
function reference(t: number, isCosine: boolean): number {
  const turns = fixed(t) % SCALE;
  const x = (turns * TWO_PI) / SCALE;
  let term = isCosine ? SCALE : x;
  let sum = 0n;
  for (let k = isCosine ? 1n : 2n; term !== 0n; k += 2n) {
    sum += term;
    term = (-term * x * x) / (SCALE * SCALE * k * (k + 1n));
  }
  return Number(sum) / Number(SCALE);
}

describe("angles in turns", () => {
  const random = new RandomStream(1, "angles");
  const angles = [
    ...Array.from({ length: 33 }, (_, i) => (i - 16) / 8),
    ...Array.from({ length: 300 }, (_, i) => random.uniform(i)),
    ...Array.from({ length: 300 }, (_, i) => 200 * random.uniform(i + 1000) - 100),
    2 ** -40,
    0.125 + 2 ** -53,
    2 ** 40 + 0.375,
  ];

  test("sinTurns and cosTurns are within 2.5e-16 of sin and cos of 2 pi t", () => {
    for (const t of angles) {
      expect(Math.abs(sinTurns(t) - reference(t, false)), `sin of ${t}`).toBeLessThan(2.5e-16);
      expect(Math.abs(cosTurns(t) - reference(t, true)), `cos of ${t}`).toBeLessThan(2.5e-16);
    }
  });

  test("quarters of a turn are exact", () => {
    for (let k = -8; k <= 8; k++) {
      const q = ((k % 4) + 4) % 4;
      expect(sinTurns(k / 4) + 0).toBe([0, 1, 0, -1][q]);
      expect(cosTurns(k / 4) + 0).toBe([1, 0, -1, 0][q]);
    }
  });
});

describe("log", () => {
  test("is within 1e-15 + 2.3e-16 |log x| of the engine's, from the least double to the largest", () => {
    const random = new RandomStream(2, "log");
    const values = [Number.MIN_VALUE, 2 ** -1022, Number.MAX_VALUE, Math.SQRT1_2, Math.SQRT2, 1];
    for (let i = 0; i < 2000; i++) {
      values.push(random.uniform(2 * i), 2 ** (2000 * random.uniform(2 * i + 1) - 1000));
    }
    for (const x of values.filter((value) => value > 0)) {
      const exact = Math.log(x);
      const bound = 1e-15 + 2.3e-16 * Math.abs(exact);
      expect(Math.abs(log(x) - exact), `log of ${x}`).toBeLessThan(bound);
    }
  });

  test("is exact at 1 and keeps relative precision beside it", () => {
    expect(log(1)).toBe(0);
    for (const d of [2 ** -20, -(2 ** -20), 2 ** -52, -(2 ** -53)]) {
      expect(Math.abs(log(1 + d) / Math.log1p(d) - 1)).toBeLessThan(4 * 2 ** -52);
    }
  });
});
