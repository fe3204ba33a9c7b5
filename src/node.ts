// What needs Node: `headstart/node`.
export {
  enableTurbo,
  inheritTurbo,
  type Turbo,
  type TurboOptions,
  TurboTooLateError,
} from "./core/turbo.node.ts";
export {
  type CheckpointFolder,
  checkpointFolder,
  type StoredCheckpoint,
} from "./network/checkpoint-folder.node.ts";
