/** Columns of gemm's micro-kernels. */
export type Tile = 8 | 16;

/**
 * What the process's engine does best with. Like V8's flags it holds for the whole process, so it lives here and not in a core;
 * turbo (`turbo.node.ts`) sets it, once, before anything is compiled.
 */
export const engine: {
  tile: Tile;
  /** What is changing the engine now: a core waits for it. */
  changing: Promise<unknown> | undefined;
  /** Whether a core was begun: the engine stays as it is from then on. */
  isInUse: boolean;
} = { tile: 8, changing: undefined, isInUse: false };
