import { stripVTControlCharacters } from "node:util";

/**
 * Text that is safe to print, whatever file it came from: control characters (which drive a terminal), direction marks and other
 * invisible ones become U+FFFD, and text longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 400): string {
  const shown = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, "\ufffd");
  const characters = [...shown];
  return characters.length > limit ? `${characters.slice(0, limit).join("")}…` : shown;
}

/** `1 row`, `1,797 rows`. */
export function count(n: number, noun: string): string {
  return `${formatCount(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** `1,797` */
export function formatCount(n: number): string {
  return n.toLocaleString("en");
}

/** A number in four significant digits; `-` where there is none. */
export function formatNumber(x: number | null | undefined): string {
  if (x === null || x === undefined) return "-";
  if (!Number.isFinite(x)) return String(x);
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return x.toExponential(2);
  return x.toPrecision(4);
}

/** A number in four significant digits without trailing zeros: `7.9`, `3.456`, `1.2e-5`. */
export function formatShort(x: number): string {
  const text = formatNumber(x);
  return text.includes(".") ? text.replace(/\.?0*($|e)/, "$1") : text;
}

/** A rate or another number that people choose, as they would write it: `0.003`, `1e-4`. */
export function formatRate(x: number): string {
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return x.toExponential(2).replace(/\.?0*e\+?/, "e");
  }
  return String(Number(x.toPrecision(3)));
}

/** `94.3 %`; `-` where there is no accuracy. */
export function formatPercent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "-";
  return `${(100 * share).toFixed(1)} %`;
}

/** `18 ms`, `1.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`; `?` when it cannot be told. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "?";
  if (seconds < 0.9995) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** `12.3 MiB` */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** `8x8`, `64` */
export function formatShape(shape: readonly number[]): string {
  return shape.join("x");
}

/** Characters that take room: colour does not. */
export function visibleLength(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Breaks text at spaces into lines of at most `width` characters; lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/ +/)) {
    if (line.trim() !== "" && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === "" ? word : line === indent ? line + word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}
