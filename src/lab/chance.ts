import type { Dataset } from "../data/dataset.ts";
import type { Run } from "./types.ts";

/** What a network that is blind to its input can reach. */
export interface Chance {
  readonly classes: number;
  /** Entropy of the labels in nats, `-sum p ln p`: ln(classes) when they are balanced. */
  readonly loss: number;
  /** Share of the most frequent class. */
  readonly accuracy: number;
}

/** Chance on a set of class labels. */
export function chanceOf({ targets, rows, classes }: Dataset): Chance {
  const counts = new Array<number>(classes).fill(0);
  for (const label of targets) counts[label]! += 1;
  const shares = counts.filter((count) => count > 0).map((count) => count / rows);
  const loss = -shares.reduce((sum, p) => sum + p * Math.log(p), 0);
  return { classes, loss, accuracy: Math.max(...shares) };
}

/** Whether an accuracy closes at least a fifth of the gap between chance and 1: the run learnt something. */
export function hasLearnt({ trainAccuracy }: Pick<Run, "trainAccuracy">, chance: Chance): boolean {
  return trainAccuracy >= chance.accuracy + 0.2 * (1 - chance.accuracy);
}
