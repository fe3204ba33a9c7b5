// The ABI: everything a host may call, one line a file.
export { State, Status } from "./state";

/** First free byte after the module's constant tables; the host's arena starts here. */
export function heapBase(): usize {
  return __heap_base;
}
