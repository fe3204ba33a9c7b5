// Everything here runs in a browser. Files are read by files.node.ts, which is imported on its own.
export type { CsvDataset, CsvOptions } from "./csv.ts";
export { parseCsv } from "./csv.ts";
export type { Dataset, DatasetInit } from "./dataset.ts";
export {
  balancedWeights,
  classCounts,
  createDataset,
  featuresOf,
  select,
  take,
} from "./dataset.ts";
export { digest } from "./digest.ts";
export type { DataErrorDetails, Where } from "./errors.ts";
export { DataError } from "./errors.ts";
export type {
  CirclesOptions,
  GaussiansOptions,
  GeneratorOptions,
  SpiralsOptions,
  TeacherOptions,
} from "./generators.ts";
export { circles, gaussians, moons, spirals, teacher, xor } from "./generators.ts";
export type { Idx, IdxData, IdxDatasetOptions, IdxOptions, IdxType } from "./idx.ts";
export { idxDataset, parseIdx } from "./idx.ts";
export type { LoadedDataset, LoadOptions } from "./load.ts";
export { loadDataset } from "./load.ts";
export type { DatasetName, GeneratedName, Manifest, ShippedName } from "./manifest.ts";
export { datasetNames, manifests } from "./manifest.ts";
export type { Split, SplitOptions } from "./split.ts";
export { split } from "./split.ts";
export type { StandardiseOptions, Standardiser } from "./standardise.ts";
export { standardiser, standardiserOf } from "./standardise.ts";
export type { CopyingOptions, TaskOptions } from "./tasks.ts";
export { adding, copying, latch } from "./tasks.ts";
export type { TextWindowOptions, Vocabulary } from "./text.ts";
export { lineWindows, loadNames, textWindows, vocabulary } from "./text.ts";
export type { WindowOptions } from "./windows.ts";
export { windows } from "./windows.ts";
