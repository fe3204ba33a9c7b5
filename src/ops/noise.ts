import { float, ref } from "../graph/buffer.ts";
import type { Param } from "../graph/param-store.ts";
import type { Tape } from "../graph/tape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { kindOf } from "./activation.ts";

/** What alpha dropout puts in the place of a value: selu's limit on the left, `-scale alpha`. */
const SELU_LIMIT = -1.7580993408473766;

/**
 * Alpha dropout (Klambauer et al. 2017): what is dropped becomes selu's limit l, and `y = a x + b` puts mean 0 and variance 1 right:
 * with q = 1 - rate, `a = (q + l^2 q (1 - q))^(-1/2)`, `b = -a (1 - q) l`. As `a (dropout(x - l) q + l) + b`.
 */
export function alphaDropout(tape: Tape, layer: string, x: Tensor, rate: number): Tensor {
  if (!tape.training || rate === 0) return x;
  const key = tape.stream(`${layer}/dropout`);
  const q = 1 - rate;
  const a = (q + SELU_LIMIT ** 2 * q * rate) ** -0.5;
  const y = tape.tensor(x.shape.slice(1), layer);
  const c = a * SELU_LIMIT - a * rate * SELU_LIMIT;
  tape.emit("line", y.data, x.data, float(1), float(-SELU_LIMIT), x.size);
  tape.emit("dropout", y.data, y.data, x.size, float(rate), ...key, 0);
  tape.emit("line", y.data, y.data, float(a * q), float(c), x.size);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x); // dx = a q dropout(dy)
    if (dy === undefined || dx === undefined) return;
    tape.emit("scale", dy, dy, float(a * q), x.size, 0);
    tape.emit("dropout", dx.at, dy, x.size, float(rate), ...key, dx.beta);
  });
  return y;
}

/** Dropout of whole channels of an example, `[batch, .., channels]` (Tompson et al. 2015): `y = x keep / (1 - rate)`. */
export function spatialDropout(tape: Tape, layer: string, x: Tensor, rate: number): Tensor {
  if (!tape.training || rate === 0) return x;
  const channels = x.shape.at(-1) ?? 1;
  const positions = x.size / tape.batch / channels;
  const sizes = [tape.batch, positions, channels] as const;
  const factor = float(1 / (1 - rate));
  const mask = ref(tape.buffer(`${layer}/mask`, tape.batch * channels * 4));
  const y = tape.tensor(x.shape.slice(1), layer);
  const key = tape.stream(`${layer}/dropout`);
  tape.emit("randomBernoulli", mask, tape.batch * channels, float(1 - rate), ...key);
  tape.emit("maskChannels", y.data, x.data, mask, factor, ...sizes, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    tape.emit("maskChannels", dx.at, dy, mask, factor, ...sizes, dx.beta);
  });
  return y;
}

/** `y = x n`, n ~ N(1, rate / (1 - rate)) while training: dropout's mean and variance (Srivastava et al. 2014, section 10). */
export function gaussianDropout(tape: Tape, layer: string, x: Tensor, rate: number): Tensor {
  if (!tape.training || rate === 0) return x;
  const noise = normal(tape, layer, x.size, 1, Math.sqrt(rate / (1 - rate)));
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit("mul", y.data, x.data, noise, x.size, 0);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    tape.emit("mul", dx.at, dy, noise, x.size, dx.beta);
  });
  return y;
}

/** `y = x + n`, n ~ N(0, std^2) while training. */
export function gaussianNoise(tape: Tape, layer: string, x: Tensor, std: number): Tensor {
  if (!tape.training || std === 0) return x;
  const noise = normal(tape, layer, x.size, 0, std);
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit("add", y.data, x.data, noise, x.size, 0);
  passBack(tape, y, x);
  return y;
}

/** `y = x + b`, one learnt number for all. */
export function addScalar(tape: Tape, layer: string, x: Tensor, bias: Param): Tensor {
  const y = tape.tensor(x.shape.slice(1), layer);
  tape.emit("addScalar", y.data, x.data, tape.params.values(bias), x.size);
  tape.onBackward(() => {
    const dy = tape.grad(y);
    if (dy === undefined) return;
    const db = tape.addParamGrad(bias); // db = sum of dy
    const linear = kindOf(tape.core, { name: "linear", alpha: 0 });
    const sizes = [x.size, 1, linear, float(0), db.beta] as const;
    tape.emit("activationBackwardBias", dy, db.at, y.data, dy, ...sizes);
  });
  passBack(tape, y, x);
  return y;
}

/** `dx = dy` */
function passBack(tape: Tape, y: Tensor, x: Tensor): void {
  tape.onBackward(() => {
    const dy = tape.grad(y);
    const dx = tape.addGrad(x);
    if (dy === undefined || dx === undefined) return;
    tape.emit("scale", dx.at, dy, float(1), x.size, dx.beta);
  });
}

function normal(tape: Tape, layer: string, n: number, mean: number, std: number) {
  const noise = ref(tape.buffer(`${layer}/noise`, n * 4));
  const key = tape.stream(`${layer}/noise`);
  tape.emit("randomNormal", noise, n, float(mean), float(std), ...key);
  return noise;
}
