/**
 * The name at the least edit distance from `wanted`, letter case and `-`, `_`, space aside; `undefined` when even that one
 * differs in more than a third of its letters.
 */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const target = simplify(wanted);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const candidate = simplify(name);
    const distance = editDistance(target, candidate);
    if (distance < least && distance <= Math.max(1, Math.floor(candidate.length / 3))) {
      least = distance;
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

/** Names longer than this are compared by their start: the cost stays bounded whatever is asked for. */
const LONGEST = 64;

function simplify(name: string): string {
  return name
    .slice(0, LONGEST)
    .toLowerCase()
    .replaceAll("-", "")
    .replaceAll("_", "")
    .replaceAll(" ", "");
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
