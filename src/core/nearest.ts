/**
 * The name at the least edit distance from `wanted`, letter case and everything but letters and digits aside; `undefined` when
 * even that one differs in more than a third of its letters.
 */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const target = simplify(wanted);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const candidate = simplify(name);
    const d = distance(target, candidate);
    if (d < least && d <= Math.max(1, Math.floor(candidate.length / 3))) {
      least = d;
      best = name;
    }
  }
  return best;
}

/** `did you mean "x"?`, or else `otherwise`. */
export function suggest(wanted: string, names: readonly string[], otherwise: string): string {
  const name = nearest(wanted, names);
  return name === undefined ? otherwise : `did you mean "${name}"?`;
}

/** `; did you mean "x"?` to end a sentence with, or nothing when no name is near. */
export function didYouMean(wanted: string, names: readonly string[]): string {
  const name = nearest(wanted, names);
  return name === undefined ? "" : `; did you mean "${name}"?`;
}

/** Names longer than this are compared by their start: the cost stays bounded whatever is asked for. */
const LONGEST = 64;

function simplify(name: string): string {
  return name
    .slice(0, LONGEST)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count 1 each. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1]!;
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
