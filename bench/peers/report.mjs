// Tables of what was measured, for a terminal and for the page.

const ARROW = { ms: "lower is better" };

/** A case as lines of text. */
export function toText({ workload, title, name, unit, rows }) {
  const width = Math.max(...rows.map((row) => row.name.length));
  const lines = rows.map((row) => {
    const figures =
      row.median === undefined
        ? "-".padStart(10)
        : `${number(row.median).padStart(10)}  ${range(row).padEnd(17)} ${ratio(row).padStart(7)}`;
    return `  ${row.name.padEnd(width)} ${figures}  ${row.note ? `${row.differs ? "≠ " : ""}${row.note}` : ""}`.trimEnd();
  });
  const direction = ARROW[unit] ?? "higher is better";
  return [`${workload.toUpperCase()} ${title}: ${name}, ${unit} (${direction})`, ...lines].join(
    "\n",
  );
}

/** All cases of a run as one Markdown table: a row a peer, a column a case, `median (ratio)`. */
export function toMarkdown({ cases }) {
  const names = [
    ...new Map(cases.flatMap(({ rows }) => rows.map(({ peer, name }) => [peer, name]))),
  ];
  const head = cases.map(
    ({ workload, name, unit }) => `${workload.toUpperCase()} ${name}, ${unit}`,
  );
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const body = names.map(([peer, name]) =>
    line([name, ...cases.map(({ rows }) => cell(rows.find((row) => row.peer === peer)))]),
  );
  return [line(["", ...head]), line(["---", ...head.map(() => "---:")]), ...body].join("\n");
}

function cell(row) {
  if (row?.median === undefined) return row?.error ? "failed" : "";
  return `${row.differs ? "≠ " : ""}${number(row.median)} (${ratio(row)})`;
}

const ratio = (row) => `x${row.ratio < 10 ? row.ratio.toFixed(2) : row.ratio.toFixed(0)}`;
const range = ({ low, high }) => `[${number(low)}, ${number(high)}]`;

function number(x) {
  if (x >= 1000) return Math.round(x).toLocaleString("en");
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}
