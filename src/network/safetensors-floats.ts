import type { Dtype, StoredTensor } from "./safetensors-format.ts";
import { BITS, byteLength } from "./safetensors-format.ts";
import { quote } from "./strict-json.ts";

/**
 * The numbers of a tensor as f32, copied. F32, F16 and BF16 are exact, to the bits of a NaN; F64 is rounded to nearest, so that what is
 * beyond f32 becomes infinite. `name` is for the error.
 */
export function floatsOf(
  { dtype, shape, bytes }: StoredTensor,
  name: string,
): Float32Array<ArrayBuffer> {
  const where = `floatsOf: tensor ${quote(name)}`;
  const decode = DECODERS[dtype];
  if (decode === undefined) {
    throw new TypeError(`${where}: expected ${Object.keys(DECODERS).join(", ")}, got ${dtype}`);
  }
  if (byteLength(dtype, shape) !== bytes.length) {
    throw new RangeError(
      `${where}: expected the bytes of ${dtype} [${shape}], got ${bytes.length} bytes`,
    );
  }
  const out = new Float32Array((bytes.length * 8) / BITS[dtype]);
  decode(
    new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    out,
    new Uint32Array(out.buffer),
  );
  return out;
}

/** Fills `out`, whose bits are `bits`, from little-endian elements. */
type Decoder = (view: DataView, out: Float32Array, bits: Uint32Array) => void;

const DECODERS: Partial<Record<Dtype, Decoder>> = {
  F32: (view, _out, bits) => {
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint32(4 * i, true);
  },
  F16: (view, out, bits) => {
    for (let i = 0; i < bits.length; i++) {
      const half = view.getUint16(2 * i, true);
      const magnitude = half & 0x7fff;
      if (magnitude >= 0x7c00) {
        bits[i] = 0x7f800000 | (magnitude << 13); // infinity or NaN
      } else {
        // The exponent's bias is 15 there and 127 here; the product is exact, also for subnormals.
        bits[i] = magnitude << 13;
        out[i]! *= 2 ** 112;
      }
      bits[i]! |= (half & 0x8000) << 16;
    }
  },
  BF16: (view, _out, bits) => {
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
  },
  F64: (view, out) => {
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat64(8 * i, true);
  },
};
