import type { ParamSpec } from "../types.ts";
import { randomMatrices, size } from "../values.ts";
import type { Scheme } from "./scheme.ts";
import { number, word } from "./scheme.ts";

/** Orthogonal recurrent kernels by parametrisations that keep them orthogonal. */
export const ROTATIONS: readonly Scheme[] = [
  {
    name: "cayley",
    aliases: ["scaled_cayley", "henaff"],
    family: "orthogonal",
    applies: "square maps",
    defaults: { angles: "quarter", negative: 0.5 },
    formula:
      "(I + A)^-1 (I - A) D, A of blocks [0, s; -s, 0], s = sqrt((1 - cos t) / (1 + cos t)): rotations by t of neighbouring units, t of U(0, pi / 2) " +
      "(angles=quarter) or U(-pi, pi) (full); D a share `negative` of -1s, at the first units, else 1",
    use: "recurrent kernels of scaled-Cayley and orthogonal networks",
    source:
      "Helfrich, Willmott & Ye 2018 (quarter); Henaff, Szlam & LeCun 2016 (full, negative=0); the sense of each rotation is this library's",
    property: "all eigenvalues have modulus 1: W'W is I to 1e-6",
    draw: (options, spec) => {
      const isFull = word(options, "angles", ["quarter", "full"]) === "full";
      const negative = number(options, "negative");
      if (!(negative >= 0 && negative <= 1)) {
        throw new RangeError(`negative: expected a number from 0 to 1, got ${negative}`);
      }
      // E[cos t] is 2 / pi or 0, and the sines cancel in pairs; a unit left over is not turned.
      const cosine = isFull ? 0 : 2 / Math.PI;
      const diagonal = spec.maps.reduce((sum, { inputs: n }) => {
        const signs = Array.from({ length: n }, (_, i) => (i < Math.round(negative * n) ? -1 : 1));
        const at = (i: number) => (n % 2 === 1 && i === n - 1 ? 1 : cosine);
        // Of a pair whose columns differ in sign the sines add up: -sin and -sin, of mean 2 / pi each.
        const sine = (i: number) =>
          !isFull && i % 2 === 1 ? (2 / Math.PI) * (signs[i - 1]! - signs[i]!) : 0;
        return sum + signs.reduce<number>((all, sign, i) => all + sign * at(i) - sine(i), 0);
      }, 0);
      return randomMatrices(spec, theoryOf(spec, diagonal), ({ inputs: n }, index, draws) => {
        const u = draws.uniform(Math.ceil(n / 2), index + 1);
        const w = new Float64Array(n * n);
        const sign = (i: number) => (i < Math.round(negative * n) ? -1 : 1);
        for (let i = 0; i < n; i += 2) {
          const t = isFull ? Math.PI * (2 * u[i / 2]! - 1) : (Math.PI / 2) * u[i / 2]!;
          if (i + 1 === n) {
            w[i * n + i] = sign(i);
            continue;
          }
          w[i * n + i] = Math.cos(t) * sign(i);
          w[i * n + i + 1] = Math.sin(t) * sign(i + 1);
          w[(i + 1) * n + i] = -Math.sin(t) * sign(i);
          w[(i + 1) * n + i + 1] = Math.cos(t) * sign(i + 1);
        }
        return w;
      });
    },
  },
  {
    name: "householder",
    aliases: ["householder_product"],
    family: "orthogonal",
    applies: "square maps",
    defaults: { k: "auto" },
    formula: "prod_1^k (I - 2 v v' / v'v), v of N(0, I); auto: k = n",
    use: "recurrent kernels kept orthogonal by k reflections; few of them stay near the identity",
    source: "Mhammedi et al. 2017",
    property: "W'W is I to 1e-6; one reflection is symmetric and its own inverse",
    draw: (options, spec) => {
      const k = options.k === "auto" ? undefined : number(options, "k");
      if (k !== undefined && !(Number.isInteger(k) && k >= 1)) {
        throw new RangeError(`k: expected a whole number of at least 1, got ${k}`);
      }
      // E[v v' / v'v] = I / n.
      const trace = spec.maps.reduce((sum, { inputs: n }) => sum + n * (1 - 2 / n) ** (k ?? n), 0);
      return randomMatrices(spec, theoryOf(spec, trace), ({ inputs: n }, index, draws) => {
        const count = k ?? n;
        const z = draws.normal(count * n, index + 1);
        const w = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
        for (let r = 0; r < count; r++) {
          const v = z.subarray(r * n, r * n + n);
          const square = v.reduce((sum, x) => sum + x * x, 0);
          for (let i = 0; i < n; i++) {
            let dot = 0;
            for (let j = 0; j < n; j++) dot += w[i * n + j]! * v[j]!;
            for (let j = 0; j < n; j++) w[i * n + j]! -= (2 * dot * v[j]!) / square;
          }
        }
        return w;
      });
    },
  },
  {
    name: "unitary",
    aliases: ["urnn", "unitary_rnn"],
    family: "orthogonal",
    applies: "even square maps",
    defaults: {},
    formula:
      "D3 R2 F^-1 D2 P R1 F D1 on n / 2 complex units (first half real, second half imaginary parts): D of phases U(-pi, pi), R reflections at random complex " +
      "vectors, F the unitary Fourier transform, P a permutation",
    use: "recurrent kernels of unitary networks",
    source: "Arjovsky, Shah & Bengio 2016",
    property: "W'W is I to 1e-6, and W commutes with multiplication by i",
    draw: (_, spec) =>
      randomMatrices(spec, theoryOf(spec, 0), ({ inputs }, index, draws) => {
        const n = inputs / 2;
        const purpose = 1 + 8 * index;
        const phases = [0, 1, 2].map((d) =>
          draws.uniform(n, purpose + d).map((u) => Math.PI * (2 * u - 1)),
        );
        const mirrors = [3, 4].map((r) => draws.normal(2 * n, purpose + r));
        const order = draws.permutation(n, purpose + 5);
        const w = new Float64Array(inputs * inputs);
        for (let i = 0; i < inputs; i++) {
          let x = new Float64Array(inputs);
          x[i] = 1;
          turn(x, phases[0]!);
          x = fourier(x, -1);
          reflect(x, mirrors[0]!);
          x = x.map((_value, at) => x[(at < n ? 0 : n) + order[at % n]!]!);
          turn(x, phases[1]!);
          x = fourier(x, 1);
          reflect(x, mirrors[1]!);
          turn(x, phases[2]!);
          w.set(x, i * inputs);
        }
        return w;
      }),
  },
];

/** Of orthogonal maps, whose squares sum to their side, with the mean of their traces and of what stands beside the diagonal. */
function theoryOf(spec: ParamSpec, sum: number) {
  const cells = size(spec.shape);
  const squares = spec.maps.reduce((all, { inputs }) => all + inputs, 0);
  const mean = sum / cells;
  return { mean, std: Math.sqrt(Math.max(0, squares / cells - mean * mean)), low: -1, high: 1 };
}

/** x, real parts then imaginary ones, times exp(i phase). */
function turn(x: Float64Array, phases: Float32Array): void {
  const n = phases.length;
  phases.forEach((phase, j) => {
    const [c, s] = [Math.cos(phase), Math.sin(phase)];
    const [re, im] = [x[j]!, x[n + j]!];
    x[j] = c * re - s * im;
    x[n + j] = s * re + c * im;
  });
}

/** `x - 2 v (v* x) / (v* v)` */
function reflect(x: Float64Array, v: Float32Array): void {
  const n = x.length / 2;
  let [re, im, square] = [0, 0, 0];
  for (let j = 0; j < n; j++) {
    re += v[j]! * x[j]! + v[n + j]! * x[n + j]!;
    im += v[j]! * x[n + j]! - v[n + j]! * x[j]!;
    square += v[j]! ** 2 + v[n + j]! ** 2;
  }
  for (let j = 0; j < n; j++) {
    x[j]! -= (2 * (v[j]! * re - v[n + j]! * im)) / square;
    x[n + j]! -= (2 * (v[j]! * im + v[n + j]! * re)) / square;
  }
}

/** The unitary Fourier transform by its definition. */
function fourier(x: Float64Array, sign: 1 | -1): Float64Array<ArrayBuffer> {
  const n = x.length / 2;
  const y = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < n; j++) {
      const angle = (sign * 2 * Math.PI * ((j * k) % n)) / n;
      const [c, s] = [Math.cos(angle) / Math.sqrt(n), Math.sin(angle) / Math.sqrt(n)];
      y[k]! += c * x[j]! - s * x[n + j]!;
      y[n + k]! += s * x[j]! + c * x[n + j]!;
    }
  }
  return y;
}
