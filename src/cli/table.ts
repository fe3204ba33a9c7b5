import Table from "cli-table3";

const BORDERLESS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", right: "", "right-mid": "" },
  ...{ mid: "─", "mid-mid": "  ", middle: "  " },
};

export interface Column {
  readonly head: string;
  readonly align?: "left" | "right";
}

/** Rows under a rule, columns two spaces apart; no trailing spaces. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const view = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align }) => align ?? "left"),
    chars: BORDERLESS,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  view.push(...rows.map((row) => [...row]));
  return trimLines(view.toString());
}

/** `name  value` lines, the values aligned. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return trimLines(entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n"));
}

function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
