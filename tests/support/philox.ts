/** Philox4x32-10 as the paper writes it, in BigInt: slow and plain. */
export function philoxReference(
  counter: readonly number[],
  key: readonly number[],
): [number, number, number, number] {
  const low = (x: bigint) => x & 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map((x) => BigInt(x >>> 0)) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map((x) => BigInt(x >>> 0)) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, low(p1), (p0 >> 32n) ^ c3 ^ k1, low(p0)];
    k0 = low(k0 + 0x9e3779b9n);
    k1 = low(k1 + 0xbb67ae85n);
  }
  return [Number(c0), Number(c1), Number(c2), Number(c3)];
}

/** The word that element `i` of a fill draws from. */
export function wordReference(
  i: number,
  key: readonly number[],
  step: number,
  attempt = 0,
): number {
  return philoxReference([Math.floor(i / 4), 0, step, attempt], key)[i % 4]!;
}
