// Elementary functions from + - * / alone. ECMAScript leaves Math.sin, cos, log and exp to the engine; these give the same bits
// on all of them. Angles are in turns (1 turn = 2 pi), where the reduction to an eighth of a turn is exact.

const LN2_HIGH = 0.6931471803691238; // fdlibm's split of ln 2: the high part times any exponent is exact
const LN2_LOW = 1.9082149292705877e-10;

/** Natural logarithm of a positive finite number; error below 1e-15 + 2.3e-16 |log x|. */
export function log(x: number): number {
  // x = m 2^e with m in [sqrt(1/2), sqrt 2); scaling by 2 is exact, also out of the subnormals.
  let m = x;
  let e = 0;
  for (; m < Math.SQRT1_2; e--) m *= 2;
  for (; m >= Math.SQRT2; e++) m /= 2;
  // log m = 2 atanh s = 2 (s + s^3/3 + s^5/5 + …), |s| < 0.172: s^22 / 23 < 1e-18
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  let tail = 0;
  for (let k = 21; k >= 3; k -= 2) tail = s2 * (1 / k + tail);
  return e * LN2_HIGH + (2 * s + (2 * s * tail + e * LN2_LOW));
}

/** sin(2 pi t), for |t| below 2^50; error below 2.5e-16. */
export function sinTurns(t: number): number {
  const quarters = Math.round(4 * t);
  const x = (t - quarters / 4) * (2 * Math.PI);
  const y = quarters % 2 === 0 ? sinEighth(x) : cosEighth(x);
  return ((quarters % 4) + 4) % 4 < 2 ? y : -y;
}

/** cos(2 pi t) = sin(2 pi (t + 1/4)), with the quarter added after the reduction, where it is exact. */
export function cosTurns(t: number): number {
  const quarters = Math.round(4 * t);
  const x = (t - quarters / 4) * (2 * Math.PI);
  const y = quarters % 2 === 0 ? cosEighth(x) : sinEighth(x);
  return (((quarters + 1) % 4) + 4) % 4 < 2 ? y : -y;
}

/** Taylor's series of sin on |x| <= pi/4: x^19 / 19! < 1e-19. */
function sinEighth(x: number): number {
  const x2 = x * x;
  let sum = 0;
  for (let k = 16; k >= 2; k -= 2) sum = ((sum + 1) * -x2) / (k * (k + 1));
  return x + x * sum;
}

/** Taylor's series of cos on |x| <= pi/4: x^20 / 20! < 1e-20. */
function cosEighth(x: number): number {
  const x2 = x * x;
  let sum = 0;
  for (let k = 17; k >= 1; k -= 2) sum = ((sum + 1) * -x2) / (k * (k + 1));
  return 1 + sum;
}
