/** A line of a plot: positive values against their index; what is not positive and finite is a gap. */
export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Colours a piece of the line, or the label. */
  readonly paint: (text: string) => string;
}

export interface PlotOptions {
  readonly title: string;
  /** Characters, labels and axis included. */
  readonly width: number;
  /** Rows of the drawing; the title and the axis take three more. */
  readonly height: number;
  /** What stands below the first and the last point. */
  readonly first: string;
  readonly last: string;
  /**
   * Decades that are shown at most below and above 1. A line that leaves them is cut, and its label says so with an arrow: a scheme that
   * overflows must not flatten the others. Default 12.
   */
  readonly decades?: number;
}

/**
 * log10 of each series against its index, in braille dots (2 x 4 a character), each line labelled where it ends.
 *
 * Points are joined; a gap breaks the line. Labels that would fall on one row share it or move to the next free one.
 */
export function plot(series: readonly Series[], options: PlotOptions): readonly string[] {
  const { title, height, first, last, decades = 12 } = options;
  const logs = series.map(({ values }) => values.map(log10));
  const axis = axisOf(logs.flat(), decades);
  const labelWidth = Math.max(0, ...series.map(({ label }) => label.length + 2));
  const ticks = ticksOf(axis, height);
  const margin = Math.max(...[...ticks.values()].map((tick) => tick.length));
  const columns = Math.max(8, options.width - labelWidth - margin - 3);
  const steps = Math.max(...logs.map((line) => line.length), 2) - 1;
  const canvas = new Canvas(columns, height);
  const toY = (y: number) => (1 - (y - axis.low) / (axis.high - axis.low)) * (4 * height - 1);
  const toX = (i: number) => (i / steps) * (2 * columns - 1);
  series.forEach(({ paint }, s) => {
    const line = logs[s]!;
    line.forEach((y, i) => {
      if (y === undefined) return;
      const next = line[i + 1];
      const from = { x: toX(i), y: toY(y) };
      canvas.line(from, next === undefined ? from : { x: toX(i + 1), y: toY(next) }, paint);
    });
  });
  const labels = placeLabels(series, logs, axis, height);
  const rows = Array.from({ length: height }, (_, row) => {
    const tick = ticks.get(row);
    const scale = `${(tick ?? "").padStart(margin)} ${tick === undefined ? "│" : "┤"}`;
    return `${scale}${canvas.row(row)} ${labels[row] ?? ""}`.trimEnd();
  });
  const ruler = `${" ".repeat(margin)} └${"─".repeat(columns)}`;
  const space = " ".repeat(Math.max(1, columns - first.length - last.length));
  return [title, ...rows, ruler, `${" ".repeat(margin + 2)}${first}${space}${last}`];
}

interface Axis {
  readonly low: number;
  readonly high: number;
}

/** Whole decades around the values, at least one of them, within the limits. */
function axisOf(values: readonly (number | undefined)[], decades: number): Axis {
  const known = values.filter((y) => y !== undefined);
  const clamp = (y: number) => Math.min(decades, Math.max(-decades, y));
  const low = Math.floor(clamp(known.reduce((a, b) => Math.min(a, b), Infinity)));
  const high = Math.ceil(clamp(known.reduce((a, b) => Math.max(a, b), -Infinity)));
  if (known.length === 0) return { low: -1, high: 1 };
  return low < high ? { low, high } : { low: low - 1, high: high + 1 };
}

function log10(value: number | null): number | undefined {
  return value !== null && value > 0 && Number.isFinite(value) ? Math.log10(value) : undefined;
}

/** Labels of whole decades by the row they fall on, about four of them. */
function ticksOf({ low, high }: Axis, height: number): ReadonlyMap<number, string> {
  const step = [1, 2, 3, 4, 6, 8, 12, 24].find((s) => (high - low) / s <= 4) ?? high - low;
  const ticks = new Map<number, string>();
  for (let y = Math.ceil(low / step) * step; y <= high; y += step) {
    const row = Math.round(((high - y) / (high - low)) * (height - 1));
    ticks.set(row, y === 0 ? "1" : `1e${y}`);
  }
  return ticks;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Dots in characters of two by four, each character in the colour of what was drawn on it last. */
class Canvas {
  readonly #columns: number;
  readonly #rows: number;
  readonly #dots: Uint8Array;
  readonly #paints: ((text: string) => string)[] = [];

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#dots = new Uint8Array(columns * rows);
  }

  /** A dot for each column or row that the line passes, whichever are more; what is outside is not drawn. */
  line(from: Point, to: Point, paint: (text: string) => string): void {
    const length = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
    const steps = Math.max(1, Math.ceil(Math.min(length, 1e5)));
    for (let i = 0; i <= steps; i++) {
      const x = Math.round(from.x + (i / steps) * (to.x - from.x));
      const y = Math.round(from.y + (i / steps) * (to.y - from.y));
      this.#dot(x, y, paint);
    }
  }

  row(row: number): string {
    return Array.from({ length: this.#columns }, (_, column) => {
      const at = row * this.#columns + column;
      const dots = this.#dots[at]!;
      return dots === 0 ? " " : this.#paints[at]!(String.fromCharCode(0x2800 + dots));
    }).join("");
  }

  #dot(x: number, y: number, paint: (text: string) => string): void {
    if (x < 0 || y < 0 || x >= 2 * this.#columns || y >= 4 * this.#rows) return;
    const at = (y >> 2) * this.#columns + (x >> 1);
    this.#dots[at]! |= BRAILLE[y & 3]![x & 1]!;
    this.#paints[at] = paint;
  }
}

/** Bits of the dots of a braille character (U+2800), by row and column. */
const BRAILLE = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Each label on the row where its line ends, or the free row nearest to it; lines without an end are marked. */
function placeLabels(
  series: readonly Series[],
  logs: readonly (readonly (number | undefined)[])[],
  { low, high }: Axis,
  height: number,
): readonly string[] {
  const wishes = series
    .map(({ label, paint }, s) => {
      const last = logs[s]!.findLast((y) => y !== undefined);
      // A line that stops inside the plot ends nowhere: its label goes to the bottom, out of the others' way.
      const isGone = logs[s]!.at(-1) === undefined && (last === undefined || last <= high);
      return { label, paint, y: isGone ? -Infinity : last!, isEmpty: last === undefined };
    })
    .sort((a, b) => b.y - a.y);
  const rows: string[] = [];
  wishes.forEach(({ label, paint, y, isEmpty }, i) => {
    const place = (1 - (Math.min(high, Math.max(low, y)) - low) / (high - low)) * (height - 1);
    // Room must remain below for the labels that follow.
    let row = Math.min(Math.round(place), height - (wishes.length - i));
    row = Math.max(row, 0);
    while (row < height - 1 && rows[row] !== undefined) row++;
    const mark = isEmpty ? " ∅" : y === -Infinity ? " ×" : y > high ? " ↑" : y < low ? " ↓" : "";
    const text = paint(label) + mark;
    rows[row] = rows[row] === undefined ? text : `${rows[row]}, ${text}`;
  });
  return rows;
}

/** What the marks behind labels mean; only those that occur. */
export function plotLegend(lines: readonly string[]): string {
  const text = lines.join("\n");
  const marks = [
    [" ↑", "↑ above the plot"],
    [" ↓", "↓ below the plot"],
    [" ×", "× ends as 0 or not finite"],
    [" ∅", "∅ all 0 or not finite"],
  ] as const;
  return marks
    .filter(([mark]) => text.includes(mark))
    .map(([, meaning]) => meaning)
    .join(", ");
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One character a value, from the least to the greatest; `·` for what is not finite. At most `width`, by means of neighbours. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.length <= width ? values : condense(values, width);
  const finite = shown.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  return shown
    .map((value) => {
      if (!Number.isFinite(value)) return "·";
      const level = high > low ? (value - low) / (high - low) : 0;
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(level * BLOCKS.length))]!;
    })
    .join("");
}

/** Means of `width` runs of neighbours. */
function condense(values: readonly number[], width: number): readonly number[] {
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const to = Math.floor(((i + 1) * values.length) / width);
    const run = values.slice(from, to);
    return run.reduce((sum, value) => sum + value, 0) / run.length;
  });
}
