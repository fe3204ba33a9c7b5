// What needs Node: `headstart/node`.
export {
  enableTurbo,
  type Turbo,
  type TurboOptions,
  TurboTooLateError,
} from "./core/turbo.node.ts";
