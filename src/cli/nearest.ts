/** ` (did you mean "x"?)` for the name nearest to what was written, or nothing when none is near. */
export function didYouMean(wanted: string, names: readonly string[]): string {
  const name = nearest(wanted, names);
  return name === undefined ? "" : `; did you mean "${name}"?`;
}

/** The name at the least edit distance, case and separators aside; none when it is more than a third of the name away. */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const target = simplify(wanted);
  const ranked = names
    .map((name) => ({ name, distance: distance(target, simplify(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  if (best === undefined) return undefined;
  return best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** Letters and digits of the first 64 characters, so that the cost stays bounded. */
function simplify(name: string): string {
  return name
    .slice(0, 64)
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
