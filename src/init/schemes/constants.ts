import type { Draw } from "../draw.ts";
import type { Entry } from "../patterns.ts";
import { centredDraw, patternDraw } from "../patterns.ts";
import { CENTRES } from "../taps.ts";
import { dctRows, dftRows, haarRows, hadamardRows, sylvester } from "../transforms.ts";
import type { ParamSpec } from "../types.ts";
import { fixedMatrices } from "../values.ts";
import type { Options, Scheme } from "./scheme.ts";
import { number, word } from "./scheme.ts";

export const CONSTANTS: readonly Scheme[] = [
  {
    name: "zeros",
    aliases: ["zero", "lora_b", "zeros_init"],
    family: "constants and patterns",
    applies: "any",
    defaults: {},
    formula: "0",
    use: "biases; the last layer of a residual branch; never all hidden layers",
    source: "no weight gets a gradient in a hidden layer",
    property: "all values are exactly 0",
    draw: () => ({ distribution: "constant", value: 0 }),
  },
  {
    name: "ones",
    aliases: ["one", "ones_init"],
    family: "constants and patterns",
    applies: "any",
    defaults: {},
    formula: "1",
    use: "gains of normalisation layers",
    source: "for gains, not for kernels",
    property: "all values are exactly 1",
    draw: () => ({ distribution: "constant", value: 1 }),
  },
  {
    name: "constant",
    aliases: ["full"],
    family: "constants and patterns",
    applies: "any",
    defaults: { value: 0.1 },
    formula: "value",
    use: "to show that units which start equal stay equal",
    source: "all units of a layer stay equal",
    property: "all values are exactly the given one",
    draw: (options) => ({ distribution: "constant", value: number(options, "value") }),
  },
  {
    name: "identity",
    aliases: ["eye", "identity_init"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1 },
    formula:
      "gain I in each linear map (its leading diagonal when not square), at the middle of a convolution's window",
    use: "recurrent kernels of relu networks; deep linear networks",
    source: "Le, Jaitly & Hinton 2015; Hardt & Ma 2017",
    property: "W'W is gain^2 I on the shorter side",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      return centredDraw(spec, "floor", (i, o) => (i === o ? gain : 0));
    },
  },
  {
    name: "dirac",
    aliases: ["conv_identity"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1, centre: "floor" },
    formula:
      "W[centre, c, c] = gain in each group, 0 elsewhere; centre of an even window k: floor or ceil of (k - 1) / 2",
    use: "convolutions that begin as the identity",
    source:
      "Zagoruyko & Komodakis 2017. floor is the identity under SAME padding, for even windows too; PyTorch's dirac_ takes ceil",
    property: "a convolution with SAME padding returns its input",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      const centre = word(options, "centre", CENTRES);
      return centredDraw(spec, centre, (c, o) => (c === o ? gain : 0));
    },
  },
  {
    name: "partial_identity",
    aliases: ["padded_identity", "idinit"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1 },
    formula: "gain where i = j modulo the shorter side of the linear map, 0 elsewhere",
    use: "rectangular layers of networks without normalisation",
    source: "Pan et al. 2025 (IDInit), from the paper's text alone",
    property: "rank is the shorter side; no row and no column is 0",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      return patternDraw(spec, (i, o, inputs, outputs) =>
        (i - o) % Math.min(inputs, outputs) === 0 ? gain : 0,
      );
    },
  },
  {
    name: "zero_hadamard",
    aliases: ["zer_o"], // ZerO, as the paper writes it,
    family: "constants and patterns",
    applies: "kernels",
    defaults: {},
    formula:
      "outputs <= inputs: the leading diagonal; else the corner of Sylvester's H_p / sqrt(p), p = 2^ceil(log2 outputs); middle of a window",
    use: "deterministic residual networks: widening layers do not confine the rank",
    source:
      "ZerO: Zhao, Schaefer & Anandkumar 2022, Algorithm 1, scaled as the authors' code scales it",
    property: "entries 0, 1 and +-1 / sqrt(p) only; full rank; needs no seed",
    draw: (_, spec) => centredDraw(spec, "floor", zerO),
  },
  {
    name: "hadamard",
    aliases: ["walsh_hadamard"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1 },
    formula:
      "gain times the first rows of H_(2^a) kron DCT_m, the longer side n = 2^a m, m odd: Sylvester's matrix for powers of two",
    use: "orthogonal layers without a seed, entries of equal size",
    source: "Sylvester 1867; the Kronecker product with a DCT serves sizes with an odd factor",
    property: "the shorter side is orthonormal times gain, to 1e-6",
    draw: (options, spec) => transform(options, spec, hadamardRows),
  },
  {
    name: "dct",
    aliases: ["dct_ii", "cosine"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1 },
    formula:
      "gain sqrt(2 / n) cos(pi (2j + 1) k / 2n), k the shorter side's index; k = 0: gain / sqrt(n)",
    use: "orthogonal layers without a seed, smooth along the longer side",
    source: "the orthonormal DCT-II: Ahmed, Natarajan & Rao 1974",
    property: "the shorter side is orthonormal times gain, to 1e-6",
    draw: (options, spec) => transform(options, spec, dctRows),
  },
  {
    name: "dft",
    aliases: ["fourier"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1 },
    formula:
      "gain times the real Fourier basis of the longer side n: 1 / sqrt(n), then sqrt(2 / n) cos and sin(2 pi k j / n) in turn",
    use: "orthogonal layers without a seed over what is periodic",
    source: "Fourier; real and imaginary parts of the DFT's rows",
    property: "the shorter side is orthonormal times gain, to 1e-6",
    draw: (options, spec) => transform(options, spec, dftRows),
  },
  {
    name: "haar_wavelet",
    aliases: ["wavelet"],
    family: "constants and patterns",
    applies: "kernels",
    defaults: { gain: 1 },
    formula:
      "gain times the first rows of Haar_(2^a) kron DCT_m, the longer side n = 2^a m, m odd, coarse to fine",
    use: "orthogonal layers without a seed, local along the longer side",
    source: "Haar 1910; the Kronecker product with a DCT serves sizes with an odd factor",
    property: "the shorter side is orthonormal times gain, to 1e-6",
    draw: (options, spec) => transform(options, spec, haarRows),
  },
];

const zerO: Entry = (i, o, inputs, outputs) => {
  if (outputs <= inputs) return i === o ? 1 : 0;
  const p = 2 ** Math.ceil(Math.log2(outputs));
  return sylvester(o, i) / Math.sqrt(p);
};

/** Each map filled with the first rows of an orthonormal matrix whose size is the map's longer side. */
function transform(
  options: Options,
  spec: ParamSpec,
  rowsOf: (rows: number, n: number) => Float64Array,
): Draw {
  const gain = number(options, "gain");
  return fixedMatrices(spec, ({ inputs, outputs }) => {
    const rows = Math.min(inputs, outputs);
    const n = Math.max(inputs, outputs);
    const basis = rowsOf(rows, n);
    const values = new Float32Array(inputs * outputs);
    for (let k = 0; k < rows; k++) {
      for (let j = 0; j < n; j++) {
        // A coefficient is an output where outputs are fewer, an input where inputs are.
        const at = outputs <= inputs ? j * outputs + k : k * outputs + j;
        values[at] = gain * basis[k * n + j]!;
      }
    }
    return values;
  });
}
