/** The values at every combination of the axes' indices, row-major. */
export function gather(
  values: Float32Array,
  shape: readonly number[],
  indices: readonly (readonly number[])[],
): Float32Array {
  return gatherStrided(values, stridesOf(shape), indices);
}

/** `gather` with the distance of an axis's neighbours instead of its size. */
export function gatherStrided(
  values: Float32Array,
  strides: readonly number[],
  indices: readonly (readonly number[])[],
): Float32Array {
  const out = new Float32Array(indices.reduce((product, axis) => product * axis.length, 1));
  let next = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis === indices.length) {
      out[next++] = values[offset]!;
      return;
    }
    for (const i of indices[axis]!) walk(axis + 1, offset + i * strides[axis]!);
  };
  walk(0, 0);
  return out;
}

/** Distances of neighbours along each axis of a row-major array. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
}
