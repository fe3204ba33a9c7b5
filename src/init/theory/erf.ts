/** From here on the continued fraction needs fewer terms than the series. */
const TAIL = 2.5;

/** `2 / sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ...)`, all terms of one sign; in the tail `1 - erfc`. Error below 1e-15. */
export function erf(x: number): number {
  if (Math.abs(x) > TAIL) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  const square = 2 * x * x;
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= square / n;
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** In the tail Laplace's continued fraction `e^(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + ...)))`, relative error below 1e-14. */
export function erfc(x: number): number {
  if (!(x > TAIL)) return 1 - erf(x);
  const terms = 10 + Math.ceil(450 / (x * x));
  let fraction = 0;
  for (let k = terms; k >= 1; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

/** `P(z < x)`, z ~ N(0, 1), relatively exact in the lower tail. */
export function normalCdf(x: number): number {
  return erfc(-x / Math.SQRT2) / 2;
}

export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}
