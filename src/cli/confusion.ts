import type { Output } from "./output.ts";
import { table } from "./table.ts";
import { formatCount, formatPercent, printable } from "./text.ts";

/** Most classes of a matrix that is shown to people. */
export const SHOWN_CLASSES = 12;

/** A row for each class with what its rows were taken for, and the share that was right; a dot is none. */
export function confusionTable(
  matrix: readonly (readonly number[])[],
  names: readonly string[],
  { colors, tableWidth }: Output,
): string {
  const shown = matrix.map((_, i) => printable(names[i] ?? `${i}`, 12));
  const right = { align: "right" } as const;
  const columns = [
    { head: "is \\ taken for" },
    ...shown.map((head) => ({ head, ...right })),
    { head: "right", ...right },
  ];
  const rows = matrix.map((counts, i) => {
    const sum = counts.reduce((a, b) => a + b, 0);
    const cells = counts.map((n, j) => {
      if (n === 0) return colors.dim("·");
      return i === j ? colors.green(formatCount(n)) : colors.red(formatCount(n));
    });
    return [shown[i]!, ...cells, sum === 0 ? "" : formatPercent(counts[i]! / sum)];
  });
  return table(columns, rows, tableWidth);
}
