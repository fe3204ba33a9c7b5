export { floatsOf } from "./safetensors-floats.ts";
export type {
  Dtype,
  FloatTensor,
  Safetensors,
  SafetensorsCode,
  StoredTensor,
} from "./safetensors-format.ts";
export { SafetensorsError } from "./safetensors-format.ts";
export { readSafetensors } from "./safetensors-read.ts";
export { writeSafetensors } from "./safetensors-write.ts";
