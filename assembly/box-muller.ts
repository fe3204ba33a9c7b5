import { F32x4Math } from "./math";
import { F32x4 } from "./simd";

/** Two independent normals of two words: `sqrt(-2 log u) (cos t, sin t)`, u of the first and t of the second. */
export class BoxMuller {
  /** `sqrt(-2 log u) cos t` */
  @inline static first(u: v128, t: v128): v128 {
    const turn = BoxMuller.turn(t);
    const angle = BoxMuller.angle(turn);
    const cos = BoxMuller.abscissa(turn, BoxMuller.sin(angle), BoxMuller.cos(angle));
    return f32x4.mul(BoxMuller.radius(u), cos);
  }

  /** `sqrt(-2 log u) sin t`; what it shares with `first` is computed once. */
  @inline static second(u: v128, t: v128): v128 {
    const turn = BoxMuller.turn(t);
    const angle = BoxMuller.angle(turn);
    const sin = BoxMuller.ordinate(turn, BoxMuller.sin(angle), BoxMuller.cos(angle));
    return f32x4.mul(BoxMuller.radius(u), sin);
  }

  /** u in (0, 1]: 31 bits and a half of the last, so that it is never 0. */
  @inline private static radius(word: v128): v128 {
    return f32x4.sqrt(f32x4.mul(Circle.at(9), F32x4Math.logOfNormal(Fraction.positive(word))));
  }

  /** The word as a turn of 2 pi, shifted by an eighth: the two upper bits are the quadrant around an axis. */
  @inline private static turn(word: v128): v128 {
    return i32x4.add(word, Circle.eighth());
  }

  /** In [-pi/4, pi/4] from the quadrant's axis. */
  @inline private static angle(turn: v128): v128 {
    const part = i32x4.sub(v128.and(turn, Circle.part()), Circle.eighth());
    return f32x4.mul(f32x4.convert_i32x4_s(part), Circle.unit());
  }

  /** `x + x^3 P(x^2)` on [-pi/4, pi/4]; Cephes sinf, measured error 0.78 ULP. */
  @inline private static sin(x: v128): v128 {
    const z = f32x4.mul(x, x);
    let p = F32x4.madd(Circle.at(1), z, Circle.at(2));
    p = F32x4.madd(p, z, Circle.at(3));
    return F32x4.madd(f32x4.mul(p, z), x, x);
  }

  /** `1 - x^2 / 2 + x^4 P(x^2)` on [-pi/4, pi/4]; Cephes cosf, measured error 1.24 ULP. */
  @inline private static cos(x: v128): v128 {
    const z = f32x4.mul(x, x);
    let p = F32x4.madd(Circle.at(4), z, Circle.at(5));
    p = F32x4.madd(p, z, Circle.at(6));
    return F32x4.madd(f32x4.mul(p, z), z, F32x4.nmadd(Circle.at(7), z, Circle.at(8)));
  }

  /** cos t */
  @inline private static abscissa(turn: v128, sin: v128, cos: v128): v128 {
    const sign = v128.and(i32x4.add(turn, Circle.quarter()), Circle.sign());
    return v128.xor(v128.bitselect(sin, cos, BoxMuller.isOdd(turn)), sign);
  }

  /** sin t */
  @inline private static ordinate(turn: v128, sin: v128, cos: v128): v128 {
    const sign = v128.and(turn, Circle.sign());
    return v128.xor(v128.bitselect(cos, sin, BoxMuller.isOdd(turn)), sign);
  }

  /** Ones where the quadrant is odd: there sine and cosine change places. */
  @inline private static isOdd(turn: v128): v128 {
    return i32x4.shr_s(i32x4.shl(turn, 1), 31);
  }
}

const CIRCLE = memory.data<u32>([
  0x20000000, // an eighth of a turn
  0x40000000, // a quarter
  0x3fffffff, // what is less than a quarter
  0x80000000, // half a turn, and the sign of a float
]);

const TRIGONOMETRY = memory.data<f32>([
  1.4629180792671596e-9, // 2 pi / 2^32
  -1.9515295891e-4,
  8.3321608736e-3,
  -1.6666654611e-1,
  2.443315711809948e-5,
  -1.388731625493765e-3,
  4.166664568298827e-2,
  0.5,
  1,
  -2,
]);

/** Constants of the transform: see above. Loaded where they are used, which V8 does faster than it builds a literal. */
class Circle {
  @inline static eighth(): v128 {
    return v128.load32_splat(CIRCLE);
  }

  @inline static quarter(): v128 {
    return v128.load32_splat(CIRCLE, 4);
  }

  @inline static part(): v128 {
    return v128.load32_splat(CIRCLE, 8);
  }

  @inline static sign(): v128 {
    return v128.load32_splat(CIRCLE, 12);
  }

  @inline static unit(): v128 {
    return v128.load32_splat(TRIGONOMETRY);
  }

  @inline static at(index: usize): v128 {
    return v128.load32_splat(TRIGONOMETRY + (index << 2));
  }
}

const FRACTION = memory.data<u32>([
  0x7fffffff, // the lower 31 bits
  0x30000000, // 2^-31
  0x2f800000, // 2^-32
]);

/** Words as fractions of one. */
export class Fraction {
  /** In (0, 1]: `(w + 1/2) 2^-31` of the lower 31 bits, rounded once. Never 0, so that it has a logarithm. */
  @inline static positive(word: v128): v128 {
    const bits = f32x4.convert_i32x4_s(v128.and(word, v128.load32_splat(FRACTION)));
    return F32x4.madd(bits, v128.load32_splat(FRACTION, 4), v128.load32_splat(FRACTION, 8));
  }
}
