/** `f(x-)` and `f(x+)` at a jump. */
export interface Jump {
  readonly at: number;
  readonly below: number;
  readonly above: number;
}

/** Where a function is not smooth. */
export interface FunctionShape {
  /** Where f or a derivative of it jumps, but for the kinks that were known. */
  readonly kinks: readonly number[];
  /** Ends of the panels that had to be narrower than the others, in order. */
  readonly edges: readonly number[];
  readonly jumps: readonly Jump[];
}

/** Kinks are looked for up to here. */
export const SEARCHED = 64;

/** Width of a panel before it is divided. */
const PANEL = 0.5;

/** So that no kink that people write down lies on the end of a panel, where none is seen. */
const OFFSET = 0.0123456789;

/** Points of the polynomial through a panel. */
const POINTS = 16;

/** A panel is smooth when the last coefficients of its Chebyshev series are below this share of the greatest value. */
const SMOOTH = 1e-10;

/** A panel that must be this narrow to be smooth has a kink in it. */
const KINKED = 2e-5;

/** Roughness up to this share may be rounding, as of (1 - cos x) / x^2 near 0. */
const NOISE = 1e-6;

/** Panels narrower than this are not needed beside a kink. */
const NEAR = 0.01;

/** Panels looked at before a function is called too rough: 256 smooth ones, and some 80 for each kink. */
const MOST_PANELS = 20_000;

/**
 * Kinks, jumps and steep places of f in [-SEARCHED, SEARCHED]: panels that a polynomial of degree 15 does not follow are halved until it
 * does; where they end up narrower than any smooth function needs, there is a kink.
 *
 * Throws a `RangeError` where f is NaN, unbounded, or rough everywhere, and a `TypeError` where it gives no number.
 */
export function shapeOf(f: (x: number) => number, known: readonly number[]): FunctionShape {
  const kinks: number[] = [];
  const edges: number[] = [];
  let panels = 0;
  const visit = (a: number, b: number): void => {
    if (++panels > MOST_PANELS) {
      throw new RangeError(
        `activationFunction: expected a function with a few kinks, but f is rough near x = ${a.toPrecision(4)} and in too many other places`,
      );
    }
    const width = b - a;
    const middle = a + width / 2;
    const isSmallest = width < 1e-12 * Math.max(1, Math.abs(a));
    const rough = roughness(f, a, b);
    // Both halves as rough as the whole: that is what rounding leaves of f.
    const isNoise = () =>
      width < 1e-3 &&
      rough < NOISE &&
      roughness(f, a, middle) > SMOOTH &&
      roughness(f, middle, b) > SMOOTH;
    if (isSmallest || rough <= SMOOTH || isNoise()) {
      if (width < KINKED) kinks.push(middle);
      else if (width < PANEL) edges.push(a, b);
      return;
    }
    visit(a, middle);
    visit(middle, b);
  };
  const ends = [-SEARCHED];
  for (let x = -SEARCHED + OFFSET; x < SEARCHED; x += PANEL) ends.push(x);
  ends.push(SEARCHED);
  for (let p = 0; p + 1 < ends.length; p++) visit(ends[p]!, ends[p + 1]!);
  const isKnown = (x: number) => known.some((kink) => Math.abs(kink - x) <= KINKED);
  const found = clusters(kinks)
    .filter((x) => !isKnown(x))
    .map((x) => sharpened(f, x));
  const all = [...known, ...found];
  return {
    kinks: found,
    // On each side of a kink f is smooth.
    edges: [...new Set(edges)].filter((x) => all.every((kink) => Math.abs(kink - x) > NEAR)),
    jumps: all.flatMap((at) => jumpAt(f, at)),
  };
}

/** Numbers only, and no NaN; an infinity far out is left to the moments. */
function numberAt(f: (x: number) => number, x: number): number {
  const y: unknown = f(x);
  if (typeof y !== "number") {
    throw new TypeError(`activationFunction: expected f to give numbers, f(${x}) is ${String(y)}`);
  }
  if (Number.isNaN(y))
    throw new RangeError(`activationFunction: expected f to be finite, f(${x}) is NaN`);
  return y;
}

/** Greatest of the last Chebyshev coefficients, as a share of the greatest value. */
function roughness(f: (x: number) => number, a: number, b: number): number {
  const [middle, half] = [(a + b) / 2, (b - a) / 2];
  const y = NODES.map((node) => numberAt(f, middle + half * node));
  const greatest = y.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  // An infinity is no kink, and numbers about to underflow are no shape.
  if (greatest < 1e-250 || !Number.isFinite(greatest)) return 0;
  // x itself is known to 1e-16 of its size: what f makes of that in a narrow panel is no roughness.
  const noise = (4e-16 * Math.abs(middle) * (Math.max(...y) - Math.min(...y))) / half;
  const tails = TAILS.map((row) => Math.abs(row.reduce((sum, c, i) => sum + c * y[i]!, 0)));
  return Math.max(0, Math.max(...tails) / POINTS - noise) / greatest;
}

/** Of the narrow panels around each kink, where they are narrowest. */
function clusters(points: readonly number[]): readonly number[] {
  const groups: number[][] = [];
  for (const x of points) {
    const last = groups.at(-1);
    if (last !== undefined && x - last.at(-1)! < 2 * KINKED) last.push(x);
    else groups.push([x]);
  }
  return groups.map(densest);
}

/** The two neighbours that are nearest, and the middle between them. */
function densest(points: readonly number[]): number {
  let [best, gap] = [points[0]!, Infinity];
  for (let i = 1; i < points.length; i++) {
    const [x, before] = [points[i]!, points[i - 1]!];
    if (x - before < gap) [best, gap] = [(x + before) / 2, x - before];
  }
  return best;
}

/**
 * Where the parabolas through three points on each side of a kink meet: bisection ends where a panel is smooth enough, some 1e-8 from it.
 * A jump is left where it was found.
 */
function sharpened(f: (x: number) => number, at: number): number {
  const h = 5e-4;
  const side = (sign: number) => {
    const [y1, y2, y3] = [1, 2, 3].map((k) => numberAt(f, at + sign * k * h)) as [
      number,
      number,
      number,
    ];
    // Newton's forward differences, taken back to x = at.
    return { value: 3 * y1 - 3 * y2 + y3, slope: (sign * (-5 * y1 + 8 * y2 - 3 * y3)) / (2 * h) };
  };
  const [below, above] = [side(-1), side(1)];
  const shift = (below.value - above.value) / (above.slope - below.slope);
  return Math.abs(shift) < 1e-6 ? at + shift : at;
}

/** A step that outweighs what f changes by beside it. Throws where f grows without bound instead. */
function jumpAt(f: (x: number) => number, at: number): readonly Jump[] {
  const size = Math.max(1, Math.abs(at));
  const [near, far] = [1e-9 * size, 1e-6 * size];
  const [below, above] = [numberAt(f, at - near), numberAt(f, at + near)];
  const [belowFar, aboveFar] = [numberAt(f, at - far), numberAt(f, at + far)];
  const most = Math.max(Math.abs(below), Math.abs(above));
  const mostFar = Math.max(Math.abs(belowFar), Math.abs(aboveFar));
  if (!(most <= 10 * mostFar) && most > 1e-3) {
    throw new RangeError(
      `activationFunction: expected f to be bounded near x = ${at.toPrecision(6)}, f(${at + near}) is ${above}`,
    );
  }
  const step = Math.abs(above - below);
  const change = Math.abs(above - aboveFar) + Math.abs(below - belowFar);
  const isJump = step > 3 * change && step > 1e-7 * most;
  return isJump ? [{ at, below, above }] : [];
}

/** Zeros of the Chebyshev polynomial T_16. */
const NODES = Array.from({ length: POINTS }, (_, i) => -Math.cos((Math.PI * (i + 0.5)) / POINTS));

/** `2 T_k` at the nodes for the last three k: an even function has every other coefficient 0. */
const TAILS = [POINTS - 3, POINTS - 2, POINTS - 1].map((k) =>
  NODES.map((_, i) => 2 * Math.cos((k * Math.PI * (POINTS - i - 0.5)) / POINTS)),
);
