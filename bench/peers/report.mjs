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

/** A run as Markdown: a table a workload, a row a peer, a column a case, `median (ratio)`; below it why there are gaps. */
export function toMarkdown({ cases }) {
  const workloads = [...new Set(cases.map(({ workload }) => workload))];
  return workloads
    .map((id) => section(cases.filter(({ workload }) => workload === id)))
    .join("\n\n");
}

function section(cases) {
  const [{ workload, title, unit, rows: peers }] = cases;
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rows = peers.map(({ peer }) =>
    cases.map((one) => one.rows.find((row) => row.peer === peer)),
  );
  const notes = new Map(
    rows.map((row) => [
      row[0].name,
      [...new Set(row.flatMap((cell) => cell?.note ?? []))].join("; "),
    ]),
  );
  return [
    `**${workload.toUpperCase()}: ${title}**, ${unit}, ${ARROW[unit] ?? "higher is better"}`,
    "",
    line(["", ...cases.map(({ name }) => name)]),
    line(["---", ...cases.map(() => "---:")]),
    ...rows.map((row) => line([row[0].name, ...row.map(cell)])),
    ...[...notes].filter(([, note]) => note !== "").map(([name, note]) => `\n${name}: ${note}.`),
  ].join("\n");
}

function cell(row) {
  if (row?.median === undefined) return row?.error ? "failed" : "-";
  return `${row.differs ? "≠ " : ""}${number(row.median)} (${ratio(row)})`;
}

const ratio = (row) => `x${row.ratio < 10 ? row.ratio.toFixed(2) : row.ratio.toFixed(0)}`;
const range = ({ low, high }) => `[${number(low)}, ${number(high)}]`;

function number(x) {
  if (x >= 1000) return Math.round(x).toLocaleString("en");
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}
