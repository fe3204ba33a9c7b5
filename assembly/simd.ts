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

  /** Four floats at `p`, or the first `left` and zeros when fewer are left: one loop body for whole vectors and the tail. */
  @inline static loadPart(p: usize, left: i32): v128 {
    return left >= 4 ? v128.load(p) : F32x4.loadTail(p, left);
  }

  /** Stores what `loadPart` loads. */
  @inline static storePart(p: usize, x: v128, left: i32): void {
    if (left >= 4) v128.store(p, x);
    else F32x4.storeTail(p, x, left);
  }

  /** Four floats `step` bytes apart. */
  @inline static gather(p: usize, step: usize): v128 {
    let x = v128.load32_zero(p);
    x = v128.load32_lane(p + step, x, 1);
    x = v128.load32_lane(p + 2 * step, x, 2);
    return v128.load32_lane(p + 3 * step, x, 3);
  }

  /** Stores the four floats of `x` `step` bytes apart. */
  @inline static scatter(p: usize, step: usize, x: v128): void {
    v128.store32_lane(p, x, 0);
    v128.store32_lane(p + step, x, 1);
    v128.store32_lane(p + 2 * step, x, 2);
    v128.store32_lane(p + 3 * step, x, 3);
  }

  /** Ones (all bits) in the first `count` lanes; in all of them from 4. */
  @inline static mask(count: i32): v128 {
    return i32x4.gt_s(i32x4.splat(count), i32x4(0, 1, 2, 3));
  }
}

/** Floats summed in double: a product of two f32 is exact in f64. */
export class F64x2 {
  /** `f64(x0), f64(x1)` */
  @inline static low(x: v128): v128 {
    return f64x2.promote_low_f32x4(x);
  }

  /** `f64(x2), f64(x3)` */
  @inline static high(x: v128): v128 {
    return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
  }

  /** `x0 + x1` */
  @inline static sum(x: v128): f64 {
    return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
  }
}
