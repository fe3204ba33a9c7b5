import { expect } from "vitest";

/** Expects a value to round to a decimal, as many digits as it is written with. */
export function expectDigits(value: number, written: string): void {
  const decimals = written.split(".")[1]?.length ?? 0;
  const unit = 10 ** -decimals;
  expect(Math.abs(value - Number(written)), `${value} is not ${written}`).toBeLessThanOrEqual(
    // Half a unit, and what the two decimal fractions lose in binary.
    unit / 2 + 1e-12,
  );
}
