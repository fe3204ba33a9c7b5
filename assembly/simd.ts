/**
 * The SIMD vocabulary of every kernel. This is the only file that asks which variant is being built:
 * `madd` is one rounding with relaxed SIMD and two without.
 */
export class F32x4 {
  /** `a b + c` */
  @inline static madd(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** `c - a b` */
  @inline static nmadd(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
    return f32x4.sub(c, f32x4.mul(a, b));
  }

  /** `(x0 + x2) + (x1 + x3)`: the one order in which lanes are ever added. */
  @inline static sum(x: v128): f32 {
    const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
    return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
  }

  /** The first `count` (1 to 3) floats at `p`, zeros after them. Reads no byte beyond. */
  @inline static loadTail(p: usize, count: i32): v128 {
    if (count == 1) return v128.load32_zero(p);
    const low = v128.load64_zero(p);
    return count == 2 ? low : v128.load32_lane(p, low, 2, 8);
  }

  /** Stores the first `count` (1 to 3) floats of `x`. Writes no byte beyond. */
  @inline static storeTail(p: usize, x: v128, count: i32): void {
    if (count == 1) {
      v128.store32_lane(p, x, 0);
    } else {
      v128.store64_lane(p, x, 0);
      if (count == 3) v128.store32_lane(p, x, 2, 8);
    }
  }

  /** Ones (all bits) in the first `count` lanes (0 to 4). */
  @inline static mask(count: i32): v128 {
    return i32x4.gt(i32x4.splat(count), i32x4(0, 1, 2, 3));
  }
}
