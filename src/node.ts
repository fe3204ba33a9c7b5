// What needs Node: `headstart/node`.
export {
  enableTurbo,
  inheritTurbo,
  type Turbo,
  type TurboOptions,
  TurboTooLateError,
} from "./core/turbo.node.ts";
