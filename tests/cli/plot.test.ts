import { describe, expect, test } from "vitest";
import type { Series } from "../../src/cli/plot.ts";
import { plot, plotLegend, sparkline } from "../../src/cli/plot.ts";

const plain = (text: string) => text;
const OPTIONS = { title: "title", width: 40, height: 9, first: "layer 1", last: "9" };

function series(label: string, values: readonly (number | null)[]): Series {
  return { label, values, paint: plain };
}

/** The drawing without axis and labels: the characters of braille and the spaces between. */
function canvas(lines: readonly string[]): readonly string[] {
  return lines
    .slice(1, -2)
    .map((line) => line.replace(/^[^┤│]*[┤│]/, "").replace(/[^ \u2800-\u28ff].*$/u, ""));
}

describe("plot", () => {
  test("a series that keeps its size is a level line, one that halves falls by one row in equal steps", () => {
    const level = canvas(plot([series("a", [1, 1, 1, 1])], OPTIONS));
    expect(level.filter((row) => row.trim() !== "")).toHaveLength(1);
    const falling = canvas(plot([series("a", [1, 1e-2, 1e-4, 1e-6, 1e-8])], OPTIONS));
    const starts = falling.map((row) => row.search(/[^ ]/));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts[0]).toBe(0);
    const steps = starts.slice(1).map((start, i) => start - starts[i]!);
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
  });

  test("ticks name the decade of their row: the row of 1e-4 is halfway between 1 and 1e-8", () => {
    const lines = plot([series("a", [1, 1e-8])], OPTIONS);
    const ticks = lines.slice(1, -2).map((line) => line.split(/[┤│]/)[0]!.trim());
    expect(ticks).toEqual(["1", "", "1e-2", "", "1e-4", "", "1e-6", "", "1e-8"]);
  });

  test("zero, null and NaN leave gaps, and neighbours of a gap are not joined", () => {
    const whole = canvas(plot([series("a", [1, 1, 1, 1, 1])], OPTIONS)).join("");
    for (const hole of [0, null, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      const broken = canvas(plot([series("a", [1, 1, hole, 1, 1])], OPTIONS)).join("");
      const drawn = (text: string) => [...text].filter((c) => c !== " ").length;
      expect(drawn(broken)).toBeGreaterThan(0);
      expect(drawn(broken)).toBeLessThan(0.7 * drawn(whole));
    }
  });

  test("a label stands in the row where its line ends", () => {
    const lines = plot([series("up", [1, 1e4]), series("down", [1, 1e-4])], OPTIONS);
    expect(lines[1]).toMatch(/up$/);
    expect(lines.at(-3)).toMatch(/down$/);
  });

  test("labels of equal lines take rows of their own, and all are there", () => {
    const names = ["a1", "b2", "c3", "d4"];
    const lines = plot(
      names.map((name) => series(name, [1, 1])),
      OPTIONS,
    );
    for (const name of names) {
      expect(lines.filter((line) => line.endsWith(` ${name}`))).toHaveLength(1);
    }
  });

  test("when there are more labels than rows, none is lost", () => {
    const names = Array.from({ length: 12 }, (_, i) => `scheme${i}x`);
    const lines = plot(
      names.map((name) => series(name, [1, 1])),
      { ...OPTIONS, width: 60 },
    );
    for (const name of names) expect(lines.join("\n")).toContain(name);
  });

  test("lines that leave the decades are cut and marked, and do not flatten the others", () => {
    const lines = plot(
      [series("high", [1, 1e40]), series("low", [1, 1e-40]), series("mid", [1, 1e-6])],
      { ...OPTIONS, decades: 8 },
    );
    const text = lines.join("\n");
    expect(text).toContain("high ↑");
    expect(text).toContain("low ↓");
    expect(text).toMatch(/mid$/m);
    expect(text).toContain("1e8 ┤");
    expect(text).toContain("1e-8 ┤");
    const legend = plotLegend(lines);
    expect(legend).toContain("↑");
    expect(legend).toContain("↓");
    expect(legend).not.toContain("∅");
  });

  test("a series that never was, and one that stops, say so", () => {
    const lines = plot(
      [series("none", [0, 0]), series("stops", [1, 0, 0]), series("on", [1, 1, 1])],
      {
        ...OPTIONS,
      },
    );
    expect(lines.join("\n")).toMatch(/none ∅/);
    expect(lines.join("\n")).toMatch(/stops ×/);
    expect(plotLegend(lines)).toContain("× ends as 0");
  });

  test.each([
    ["no series", []],
    ["only gaps", [series("a", [null, null])]],
    ["one point", [series("a", [5])]],
    ["no points", [series("a", [])]],
    ["subnormal and huge", [series("a", [5e-324, 1.7e308])]],
  ])("%s can be drawn", (_, given) => {
    const lines = plot(given, OPTIONS);
    expect(lines).toHaveLength(OPTIONS.height + 3);
  });

  test("no line is wider than asked for", () => {
    const given = [series("he_normal", [1, 1, 1]), series("glorot_uniform", [1, 0.25, 0.1])];
    for (const width of [40, 60, 100]) {
      for (const line of plot(given, { ...OPTIONS, width })) {
        expect([...line].length).toBeLessThanOrEqual(width);
      }
    }
  });

  test("every piece of a line goes through its paint", () => {
    const painted = plot(
      [{ label: "a", values: [1, 1, 1], paint: (text) => `<${text}>` }],
      OPTIONS,
    );
    const text = painted.slice(1, -2).join("");
    const braille = [...text].filter((c) => c >= "\u2801" && c <= "\u28ff").length;
    expect(braille).toBeGreaterThan(0);
    expect(text.match(/<[\u2801-\u28ff]>/gu)).toHaveLength(braille);
  });
});

describe("sparkline", () => {
  test("spans the blocks from the least to the greatest value", () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe("▁▂▃▄▅▆▇█");
    expect(sparkline([7, 0], 8)).toBe("█▁");
  });

  test("is level for equal values and marks what is not finite", () => {
    expect(sparkline([2, 2, 2], 5)).toBe("▁▁▁");
    expect(sparkline([1, Number.NaN, 2], 5)).toBe("▁·█");
    expect(sparkline([], 5)).toBe("");
  });

  test("never takes more than its width, and keeps both ends", () => {
    const values = Array.from({ length: 1000 }, (_, i) => 1000 - i);
    const spark = sparkline(values, 20);
    expect([...spark]).toHaveLength(20);
    expect(spark.startsWith("█")).toBe(true);
    expect(spark.endsWith("▁")).toBe(true);
  });
});
