import type { Draw } from "../draw.ts";
import { drawnGain } from "../gains.ts";
import type { ParamSpec } from "../types.ts";
import { fixedMatrices, randomMatrices, size } from "../values.ts";
import type { Options, Scheme } from "./scheme.ts";
import { number, word } from "./scheme.ts";

/** Permutations and filter banks. */
export const SHAPES: readonly Scheme[] = [
  {
    name: "cyclic",
    aliases: ["circulant_shift", "cyclic_permutation", "simple_cycle_reservoir", "one_hot"],
    family: "orthogonal",
    applies: "square maps",
    defaults: { gain: 1, shift: 1 },
    formula: "gain where o = i + shift modulo n, 0 elsewhere",
    use: "recurrent kernels that remember: a state comes back after n steps",
    source: "Rodan & Tino 2011, the simple cycle reservoir (gain below 1)",
    property: "its n-th power is gain^n I",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      const shift = number(options, "shift");
      if (!Number.isInteger(shift)) {
        throw new RangeError(`shift: expected a whole number, got ${shift}`);
      }
      return fixedMatrices(spec, ({ inputs: n }) =>
        Float32Array.from({ length: n * n }, (_, at) =>
          ((at % n) - Math.floor(at / n) - shift) % n === 0 ? gain : 0,
        ),
      );
    },
  },
  {
    name: "permutation",
    aliases: ["random_permutation"],
    family: "orthogonal",
    applies: "square maps",
    defaults: { gain: 1 },
    formula: "gain P, P a random permutation of the units, in each linear map",
    use: "recurrent kernels and reservoirs: orthogonal, with one weight a unit",
    source: "Rodan & Tino 2011, with cycles of chance",
    property: "one weight in each row and column, gain; the shorter side is orthonormal times gain",
    draw: (options, spec) => {
      const gain = number(options, "gain");
      const ones = spec.maps.reduce((sum, { inputs }) => sum + inputs, 0) / size(spec.shape);
      const theory = {
        mean: gain * ones,
        std: Math.abs(gain) * Math.sqrt(ones * (1 - ones)),
        low: Math.min(gain, 0),
        high: Math.max(gain, 0),
      };
      return randomMatrices(spec, theory, ({ inputs: n }, index, draws) => {
        const to = draws.permutation(n, index + 1);
        return Float32Array.from({ length: n * n }, (_, at) =>
          to[Math.floor(at / n)] === at % n ? gain : 0,
        );
      });
    },
  },
  {
    name: "gabor",
    aliases: ["gabor_filters"],
    family: "structured",
    applies: "2-d convolutions",
    defaults: { wavelength: 3, sigma: "auto", aspect: 0.5, gain: "auto" },
    formula:
      "exp(-(x'^2 + aspect^2 y'^2) / 2 sigma^2) cos(2 pi x' / wavelength + phase), (x', y') turned by pi floor(o / 2) / ceil(n / 2), phase 0 and pi / 2 " +
      "in turn, the same for each input; of each output the squares sum to gain^2; sigma=auto: 0.56 wavelength, an octave",
    use: "the first convolution of an image network",
    source: "Gabor 1946; Daugman 1985; the bank of orientations is this library's",
    property: "the squares of each output's weights sum to gain^2; it answers its own grating most",
    draw: gabor,
  },
  {
    name: "stft",
    aliases: ["short_time_fourier"],
    family: "structured",
    applies: "1-d convolutions",
    defaults: { side: "real", window: "hann" },
    formula:
      "window(t) cos(2 pi o t / k) (side=real) or -window(t) sin(2 pi o t / k) (side=imag), t in 0 … k - 1, over the number of inputs; " +
      "hann: (1 - cos(2 pi t / k)) / 2; ones: 1",
    use: "convolutions over sound that begin as a spectrogram; outputs beyond k / 2 repeat it mirrored",
    source: "the definition; Keras has it as an initializer, STFT",
    property: "a wave of o periods in the window comes out of output o with half the window's sum",
    draw: stft,
  },
];

function gabor(options: Options, spec: ParamSpec): Draw {
  const wavelength = number(options, "wavelength");
  const sigma = options.sigma === "auto" ? 0.56 * wavelength : number(options, "sigma");
  const aspect = number(options, "aspect");
  const gain = options.gain === "auto" ? drawnGain(spec.activation) : number(options, "gain");
  if (!(wavelength > 0 && sigma > 0)) {
    throw new RangeError(`wavelength and sigma must be above 0, got ${wavelength} and ${sigma}`);
  }
  const [height = 1, width = 1] = spec.window?.size ?? [];
  let seen = 0;
  return fixedMatrices(spec, ({ inputs, outputs }) => {
    const channels = inputs / (height * width);
    const total = spec.maps.reduce((sum, map) => sum + map.outputs, 0);
    const values = new Float64Array(inputs * outputs);
    for (let o = 0; o < outputs; o++) {
      const unit = seen + o;
      const angle = (Math.PI * Math.floor(unit / 2)) / Math.ceil(total / 2);
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const phase = unit % 2 === 0 ? 0 : Math.PI / 2;
      let square = 0;
      for (let i = 0; i < inputs; i++) {
        const position = Math.floor(i / channels);
        const y = Math.floor(position / width) - (height - 1) / 2;
        const x = (position % width) - (width - 1) / 2;
        const [u, v] = [c * x + s * y, c * y - s * x];
        const envelope = Math.exp(-(u * u + (aspect * v) ** 2) / (2 * sigma * sigma));
        const value = envelope * Math.cos((2 * Math.PI * u) / wavelength + phase);
        values[i * outputs + o] = value;
        square += value * value;
      }
      // A window of one pixel has no odd wave.
      const scale = square > 1e-12 ? gain / Math.sqrt(square) : 0;
      for (let i = 0; i < inputs; i++) values[i * outputs + o]! *= scale;
    }
    seen += outputs;
    return values;
  });
}

function stft(options: Options, spec: ParamSpec): Draw {
  const isReal = word(options, "side", ["real", "imag"]) === "real";
  const isHann = word(options, "window", ["hann", "ones"]) === "hann";
  const k = spec.window?.size[0] ?? 1;
  return fixedMatrices(spec, ({ inputs, outputs }) => {
    const channels = inputs / k;
    return Float64Array.from({ length: inputs * outputs }, (_, at) => {
      const t = Math.floor(Math.floor(at / outputs) / channels);
      const turn = (2 * Math.PI * t) / k;
      const angle = (2 * Math.PI * (((at % outputs) * t) % k)) / k;
      const wave = isReal ? Math.cos(angle) : -Math.sin(angle);
      return ((isHann ? (1 - Math.cos(turn)) / 2 : 1) * wave) / channels;
    });
  });
}
