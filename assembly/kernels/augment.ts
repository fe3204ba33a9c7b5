import { philoxWord } from "../philox";
import { State } from "../state";
import { Slice } from "../thread";

/**
 * Each of `rows` images [height, width, channels] of x, mirrored left to right by chance 1/2 (if `flip`) and then moved by up to `shift`
 * pixels down and right, or up and left, each of the (2 shift + 1)^2 ways alike; what comes in from outside is 0. That is also
 * the random crop out of an image padded by `shift`.
 *
 * The chances of row r are words 0 and 1 of the Philox block (r, 0, State.step, 0) under the key: word 0 bit 0 for the mirror, then
 * `hi(word (2 shift + 1)) - shift` of word 0 down and of word 1 right. Sliced by row; y is not x.
 */
export function augment(
  y: usize,
  x: usize,
  state: usize,
  rows: i32,
  height: i32,
  width: i32,
  channels: i32,
  flip: i32,
  shift: i32,
  k0: u32,
  k1: u32,
  thread: i32,
  threads: i32,
): void {
  const step = load<u32>(state, State.step);
  const ways = <u64>(2 * shift + 1);
  const pixel = (<usize>channels) << 2;
  const line = <usize>width * pixel;
  const image = <usize>height * line;
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const word = philoxWord(0, r, 0, step, 0, k0, k1);
    const other = philoxWord(1, r, 0, step, 0, k0, k1);
    const isMirrored = (flip & <i32>word & 1) != 0;
    const down = <i32>((<u64>word * ways) >> 32) - shift;
    const right = <i32>((<u64>other * ways) >> 32) - shift;
    const from = x + <usize>r * image;
    let to = y + <usize>r * image;
    for (let i = 0; i < height; i++) {
      const source = i - down;
      const isInside = <u32>source < <u32>height;
      const row = from + <usize>source * line;
      for (let j = 0; j < width; j++) {
        const column = j - right;
        const at = row + <usize>(isMirrored ? width - 1 - column : column) * pixel;
        const isThere = isInside && <u32>column < <u32>width;
        for (let c: usize = 0; c < pixel; c += 4) {
          store<f32>(to + c, isThere ? load<f32>(at + c) : 0);
        }
        to += pixel;
      }
    }
  }
}

/**
 * `losses[r] *= w` and the row's gradients too, where w is the weight of the row's class: `targets[r]`, i32, or with `isValue` 1 where the
 * f32 `targets[r] > 0.5`, else 0. A class below 0 has no weight, and the row stays. gradient may be 0. Sliced by row.
 */
export function weightRows(
  losses: usize,
  gradient: usize,
  targets: usize,
  weights: usize,
  rows: i32,
  cols: i32,
  isValue: i32,
  thread: i32,
  threads: i32,
): void {
  const end = Slice.end(rows, 1, thread, threads);
  for (let r = Slice.begin(rows, 1, thread, threads); r < end; r++) {
    const at = (<usize>r) << 2;
    const label = isValue ? <i32>(load<f32>(targets + at) > 0.5) : load<i32>(targets + at);
    if (label < 0) continue;
    const weight = load<f32>(weights + ((<usize>label) << 2));
    store<f32>(losses + at, weight * load<f32>(losses + at));
    if (!gradient) continue;
    const row = gradient + <usize>r * ((<usize>cols) << 2);
    for (let c: usize = 0; c < (<usize>cols) << 2; c += 4) {
      store<f32>(row + c, weight * load<f32>(row + c));
    }
  }
}
