export { compare } from "./compare.ts";
export type {
  CompareConfig,
  CompareData,
  CompareOptions,
  CompareProgress,
  Comparison,
  Run,
  RunState,
  SchemeResult,
  Signal,
  Trial,
} from "./types.ts";
