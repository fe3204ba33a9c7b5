/**
 * The share of thread `thread` of `threads` in `n` items, in whole grains: `[begin, end)`.
 *
 * A kernel must give the same bits for every division: slice only what is independent (rows, columns, elements),
 * and reduce in an order fixed by the sizes alone.
 */
export class Slice {
  @inline static begin(n: i32, grain: i32, thread: i32, threads: i32): i32 {
    return Slice.bound(n, grain, thread, threads);
  }

  @inline static end(n: i32, grain: i32, thread: i32, threads: i32): i32 {
    return Slice.bound(n, grain, thread + 1, threads);
  }

  @inline private static bound(n: i32, grain: i32, thread: i32, threads: i32): i32 {
    const grains = (n + grain - 1) / grain;
    return min<i32>(n, <i32>((<i64>grains * thread) / threads) * grain);
  }
}
