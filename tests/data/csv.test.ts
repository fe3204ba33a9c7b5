import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { CsvOptions } from "../../src/data/csv.ts";
import { parseCsv } from "../../src/data/csv.ts";
import { cpuMilliseconds } from "../support/cpu-time.ts";
import { dataErrorOf, RUNS, withDataErrors } from "./support.ts";

const rowsOf = (text: string | Uint8Array, options?: CsvOptions) => {
  const { inputs, shape, targets, classNames } = parseCsv(text, options);
  return { inputs: [...inputs], width: shape[0], targets: [...targets], classNames };
};

describe("parseCsv", () => {
  test("reads features, labels and names", () => {
    expect(
      parseCsv("sepal,petal,species\n5.1,1.4,setosa\n7.0,4.7,versicolor\n", { name: "f" }),
    ).toEqual({
      name: "f",
      rows: 2,
      shape: [2],
      inputs: Float32Array.of(5.1, 1.4, 7, 4.7),
      targets: Int32Array.of(0, 1),
      classes: 2,
      targetWidth: 1,
      classNames: ["setosa", "versicolor"],
      featureNames: ["sepal", "petal"],
      dropped: 0,
    });
  });

  const expected = { inputs: [1, 2, 3, 4], width: 2, targets: [0, 1], classNames: ["a", "b"] };
  test.each<[string, string | Uint8Array, CsvOptions?]>([
    ["line feeds", "1,2,a\n3,4,b\n"],
    ["no last line end", "1,2,a\n3,4,b"],
    ["CR LF", "1,2,a\r\n3,4,b\r\n"],
    ["CR", "1,2,a\r3,4,b\r"],
    ["mixed line ends", "1,2,a\r\n\n\r3,4,b\n"],
    ["blank lines", "\n\n1,2,a\n  \n\r\n3,4,b\n\n\n"],
    ["a byte order mark in text", "\ufeff1,2,a\n3,4,b"],
    ["a byte order mark in bytes", new TextEncoder().encode("\ufeff1,2,a\n3,4,b")],
    ["spaces and tabs around cells", " 1, 2 ,\ta\n3 ,4, b "],
    ["quoted cells", '"1","2","a"\n"3",4,"b"'],
    ["spaces around quoted cells", '"1" , "2","a" \n"3",4, "b"'],
    ["semicolons", "1;2;a\n3;4;b"],
    ["tabs", "1\t2\ta\n3\t4\tb"],
    ["bars", "1|2|a\n3|4|b"],
    ["a stated delimiter", "1:2:a\n3:4:b", { delimiter: ":" }],
    ["the label in front", "a,1,2\nb,3,4", { label: 0 }],
    ["the label counted from the end", "1,a,2\n3,b,4", { label: -2 }],
    ["the label by name", "x,kind,y\n1,a,2\n3,b,4", { label: "kind" }],
    ["a header found", "x,y,kind\n1,2,a\n3,4,b"],
    ["a header stated", "2019,2020,kind\n1,2,a\n3,4,b", { header: true }],
    ["no header stated", "1,2,a\n3,4,b", { header: false }],
    ["exponents, signs and bare points", "+1e0,.2e1,a\n3.,4E+0,b"],
    ["gzip", gzipSync("1,2,a\n3,4,b")],
    ["gzip in two members", Buffer.concat([gzipSync("1,2,a\n3,"), gzipSync("4,b\n")])],
    ["a view into a larger buffer", new TextEncoder().encode("#1,2,a\n3,4,b#").subarray(1, -1)],
  ])("understands %s", (_, text, options) => {
    expect(rowsOf(text, options)).toEqual(expected);
  });

  test("a quoted cell may hold delimiters, quotes and line ends; the row count is not confused", () => {
    const text = 'x,"a ""name"", with\r\nall",kind\n1,2,"b, ""c""\n"\n3,4,d\n';
    const { classNames, featureNames, rows } = parseCsv(text);
    expect(rows).toBe(2);
    expect(classNames).toEqual(['b, "c"\n', "d"]);
    expect(featureNames).toEqual(["x", 'a "name", with\r\nall']);
  });

  test("delimiters within quotes do not count when the delimiter is found", () => {
    expect(parseCsv('"a;b;c","x;y"\n1,2\n').featureNames).toEqual(["a;b;c"]);
  });

  test("a header's blank cells get names; __proto__ is a name like any other", () => {
    const { featureNames } = parseCsv(",__proto__,label\n1,2,a\n");
    expect(featureNames).toEqual(["column 1", "__proto__"]);
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });
});

describe("labels", () => {
  const labels = (cells: string[], options?: CsvOptions) => {
    const { targets, classes, classNames } = parseCsv(
      cells.map((cell) => `0,${cell}`).join("\n"),
      options,
    );
    return { targets: [...targets], classes, classNames };
  };

  test("text is classes by code unit, whatever the locale", () => {
    expect(labels(["b", "a", "Z", "ä", "b"])).toEqual({
      targets: [2, 1, 0, 3, 2],
      classes: 4,
      classNames: ["Z", "a", "b", "ä"],
    });
  });

  test("whole numbers are classes by value; 1, 1.0 and +1 are one", () => {
    expect(labels(["10", "9", "1", "1.0", "+1", "-2", "10", "-0", "0", "9"])).toEqual({
      targets: [4, 3, 2, 2, 2, 0, 4, 1, 1, 3],
      classes: 5,
      classNames: ["-2", "0", "1", "9", "10"],
    });
  });

  test("numbers among text are text", () => {
    expect(labels(["1", "1.0", "x"]).classNames).toEqual(["1", "1.0", "x"]);
  });

  test("two values are classes at any count, more of them when they repeat", () => {
    expect(labels(["0", "1"]).classes).toBe(2);
    expect(labels(["0", "1", "2"]).classes).toBe(0);
    expect(labels(["0", "1", "2", "0", "1", "2"]).classes).toBe(3);
  });

  test("fractions, and more than 100 whole values, are measurements", () => {
    expect(labels(["0.5", "1.5", "0.5", "1.5"])).toEqual({
      targets: [0.5, 1.5, 0.5, 1.5],
      classes: 0,
      classNames: undefined,
    });
    const cells = Array.from({ length: 404 }, (_, i) => `${i % 101}`);
    expect(labels(cells).classes).toBe(0);
    expect(labels(cells.slice(0, 100).concat(cells.slice(0, 100))).classes).toBe(100);
  });

  test("a task that is stated is obeyed", () => {
    expect(labels(["0", "1", "0", "1"], { task: "regression" }).classes).toBe(0);
    expect(labels(["0.5", "2", "7"], { task: "classification" })).toEqual({
      targets: [0, 1, 2],
      classes: 3,
      classNames: ["0.5", "2", "7"],
    });
  });

  test("more than 10,000 different numbers are regression, as text an error", () => {
    const cells = Array.from({ length: 10_002 }, (_, i) => `${i}`);
    expect(labels(cells)).toMatchObject({ classes: 0, targets: cells.map(Number) });
    expect(dataErrorOf(() => labels(cells.map((cell) => `n${cell}`))).message).toBe(
      'csv, row 10001, column 2: expected at most 10000 different labels, got "n10000" as one more; ' +
        'name the column of classes with label, or say task: "regression"',
    );
    expect(dataErrorOf(() => labels([...cells, "x"])).message).toMatch(
      /^csv, row 10003, column 2: /,
    );
  });

  test("none is a class, though missing in a feature", () => {
    expect(labels(["none", "mild"]).classNames).toEqual(["mild", "none"]);
  });
});

describe("missing values", () => {
  test.each(["", "?", "NA", "n/a", "NaN", "null", "None"])(
    "%o drops its row when asked to",
    (cell) => {
      const dataset = parseCsv(`x,y,k\n1,${cell},a\n3,4,b\n${cell},6,c\n`, { missing: "drop" });
      expect(dataset).toMatchObject({ rows: 1, dropped: 2, classNames: ["b"] });
      expect([...dataset.inputs]).toEqual([3, 4]);
    },
  );

  test("a missing label drops its row too, and leaves no class", () => {
    const dataset = parseCsv("1,2,\n3,4,b\n5,6,?\n", { missing: "drop" });
    expect(dataset).toMatchObject({ rows: 1, dropped: 2, classNames: ["b"] });
  });
});

describe("errors name the line, the column, what was found and what to do", () => {
  const text = "turn text into numbers, or leave the column out";
  const drop = 'fill it in, or leave out such rows with missing: "drop"';
  const look = 'look for a "," that is missing or too many, or a cell that should be quoted';
  test.each<[string, string | Uint8Array, string, CsvOptions?]>([
    [
      "an empty file",
      "",
      "f.csv: expected at least one row of data, got an empty file; check that this is the right file",
    ],
    [
      "blank lines alone",
      "\n \n\r\n",
      "f.csv: expected at least one row of data, got an empty file; check that this is the right file",
    ],
    [
      "a byte order mark alone",
      "\ufeff",
      "f.csv: expected at least one row of data, got an empty file; check that this is the right file",
    ],
    [
      "a header alone",
      "a,b\n",
      "f.csv: expected at least one row of data, got only a header; check that this is the right file",
    ],
    [
      "rows that are all dropped",
      "1,\n2,\n",
      "f.csv: expected at least one row of data, got 2 rows, each with a missing value; fill the values in, or leave out the column that lacks them",
      { missing: "drop" },
    ],
    [
      "a short row",
      "1,2,3,4,0\n1,2,3,4,1\n1,2,3,4\n",
      `f.csv, row 3: expected 5 values as in row 1, got 4; ${look}`,
    ],
    [
      "a long row after blank lines and a quoted line end",
      'a,k\n\n1,"x\n"\n\n1,2,3\n',
      `f.csv, row 6: expected 2 values as in row 1, got 3; ${look}`,
    ],
    [
      "a ragged row whose first row is not the first line",
      "\n\n1,2\n1\n",
      `f.csv, row 4: expected 2 values as in row 3, got 1; ${look}`,
    ],
    [
      "a short row after each kind of line end",
      "1,2\r\n1,2\r1,2\n\r\n1\r\n",
      `f.csv, row 5: expected 2 values as in row 1, got 1; ${look}`,
    ],
    [
      "text in a feature",
      "age,kind\n1,a\nx,b\n",
      `f.csv, row 3, column "age": expected a number, got "x"; ${text} (the label is column "kind")`,
    ],
    [
      "text in a column without a name",
      "1,2,a\n1,red,b\n",
      `f.csv, row 2, column 2: expected a number, got "red"; ${text} (the label is column 3)`,
    ],
    [
      "a hexadecimal number",
      "1,0x10,a\n",
      'f.csv, row 1, column 2: expected a header of names, or a row of numbers, got "0x10" beside "1"; say header: true if the row holds names; if it is data, turn the text into numbers or name the label column',
    ],
    [
      "two signs",
      "1,a\n--1,b\n",
      `f.csv, row 2, column 1: expected a number, got "--1"; ${text} (the label is column 2)`,
    ],
    [
      "a decimal comma",
      "x;k\n1,5;a\n",
      'f.csv, row 2, column "x": expected a number, got "1,5"; write decimals with a point',
    ],
    [
      "an empty cell",
      "x,y,k\n1,,a\n",
      `f.csv, row 2, column "y": expected a number, got an empty cell; ${drop}`,
    ],
    ["NaN", "1,2,a\n1,NaN,b\n", `f.csv, row 2, column 2: expected a number, got "NaN"; ${drop}`],
    [
      "an empty label",
      "1,2,a\n1,2,\n",
      `f.csv, row 2, column 3: expected a label, got an empty cell; ${drop}`,
    ],
    [
      "an infinity",
      "1,a\n-Inf,b\n",
      'f.csv, row 2, column 1: expected a number within the range of f32 (3.4e38), got "-Inf"; scale the column, or remove the row',
    ],
    [
      "a number beyond f32",
      "1,a\n1e39,b\n",
      'f.csv, row 2, column 1: expected a number within the range of f32 (3.4e38), got "1e39"; scale the column, or remove the row',
    ],
    [
      "a regression label that is text",
      "1,2\n1,x\n",
      `f.csv, row 2, column 2: expected a number, got "x"; ${text} (the label is column 2)`,
      { task: "regression" },
    ],
    [
      "a label beyond f32",
      "1,2\n1,1e400\n",
      'f.csv, row 2, column 2: expected a number within the range of f32 (3.4e38), got "1e400"; scale the column, or remove the row',
    ],
    [
      "a label column that is not there",
      "sepal,species\n1,a\n",
      'f.csv, row 1: expected a column named "specis", got "sepal", "species"; did you mean "species"?',
      { label: "specis" },
    ],
    [
      "a label column that resembles none",
      "a,b\n1,2\n",
      'f.csv, row 1: expected a column named "target", got "a", "b"; name one of these columns',
      { label: "target" },
    ],
    [
      "a label index that is too large",
      "1,2\n",
      'f.csv, row 1: expected a label column from 0 to 1 (or from -2 to -1), got 2; the columns are "1", "2"',
      { label: 2 },
    ],
    [
      "a label index that is too small",
      "1,2\n",
      'f.csv, row 1: expected a label column from 0 to 1 (or from -2 to -1), got -3; the columns are "1", "2"',
      { label: -3 },
    ],
    [
      "a label by name without a header",
      "1,2\n",
      'f.csv: expected a label column by index, as the file has no header, got "y"; give the column\'s index from 0, or header: true',
      { label: "y", header: false },
    ],
    [
      "two columns of one name",
      "x,y,x,k\n1,2,3,a\n",
      'f.csv, row 1, column 3: expected a name of its own for each column, got "x", which column 1 has too; rename one of them',
    ],
    [
      "a first row that is neither header nor data",
      "M,0.4,15\nF,0.3,7\n",
      'f.csv, row 1, column 1: expected a header of names, or a row of numbers, got "M" beside "0.4"; say header: true if the row holds names; if it is data, turn the text into numbers or name the label column',
    ],
    [
      "a single column",
      "1\n2\n",
      'f.csv, row 1: expected at least two columns, a feature and a label, got one, with cells separated by ","; name the delimiter if it is another one',
    ],
    [
      "a quote that is not closed",
      '1,2\n1,"a\n1,2\n',
      'f.csv, row 2: expected a closing ", got the end of the file; close the quoted cell, or double a " that is meant as a character',
    ],
    [
      "a quote within a cell",
      '1,2\n1,a"b"\n',
      'f.csv, row 2: expected quotes around a whole cell, got a " within one; quote the whole cell and double each " in it',
    ],
    [
      "text after a quoted cell",
      '1,2\n\n1,"a"b\n',
      'f.csv, row 3: expected quotes around a whole cell, got a " within one; quote the whole cell and double each " in it',
    ],
    [
      "bytes that are not UTF-8",
      Uint8Array.of(0x31, 0x2c, 0xe4, 0x0a),
      "f.csv: expected text in UTF-8, got other bytes after byte 0; save the table as CSV UTF-8",
    ],
    [
      "UTF-16",
      Uint8Array.of(0xff, 0xfe, 0x31, 0, 0x2c, 0),
      "f.csv: expected text in UTF-8, got UTF-16; save the table as CSV UTF-8",
    ],
    [
      "a character cut off at the end",
      Uint8Array.of(0x31, 0x2c, 0xc3),
      "f.csv: expected text in UTF-8, got other bytes after byte 3; save the table as CSV UTF-8",
    ],
    [
      "more bytes than allowed",
      "1,2\n1,2\n",
      "f.csv: expected at most 7 bytes, got 8; raise maxBytes, or keep a part of the file",
      { maxBytes: 7 },
    ],
    [
      "more rows than allowed",
      "1,2\n1,2\n\n1,2\n",
      "f.csv, row 4: expected at most 2 rows, got more; raise maxRows, or keep a part of the file",
      { maxRows: 2 },
    ],
    [
      "a row of more than 16 MiB",
      `1,2\n${"1".repeat(2 ** 24 + 1)},2\n`,
      'f.csv, row 2: expected a row of at most 16777216 bytes, got a longer one; look for a " that is not closed, or for missing line ends',
    ],
    [
      "a row of more than 2^20 cells",
      `1,2\n${",".repeat(2 ** 20)}`,
      "f.csv, row 2: expected at most 1048576 cells in a row, got more; look for missing line ends, or name the delimiter",
    ],
    [
      "such a row that goes on after quoted line ends",
      `1,"2\n"${",".repeat(2 ** 19)}"\n"${",".repeat(2 ** 19)}`,
      "f.csv, row 3: expected at most 1048576 cells in a row, got more; look for missing line ends, or name the delimiter",
    ],
    [
      "control characters, which stay out of the message",
      "1,a\n\u001b[2J,b\n",
      `f.csv, row 2, column 1: expected a number, got "\\u{1b}[2J"; ${text} (the label is column 2)`,
    ],
  ])("%s", (_, input, message, options) => {
    expect(dataErrorOf(() => parseCsv(input, { name: "f.csv", ...options })).message).toBe(message);
  });

  test("the fields say the same to a program", () => {
    const error = dataErrorOf(() => parseCsv("a,k\n1,x\n\nq,y\n", { name: "f.csv" }));
    expect(error).toMatchObject({ source: "f.csv", where: { row: 4, column: '"a"' } });
  });

  test.each(["", ",,", "\n", '"', "ab"])("delimiter %o is a programmer's mistake", (delimiter) => {
    expect(() => parseCsv("1,2", { delimiter })).toThrow(
      new RangeError(`parseCsv: delimiter must be one character, got ${JSON.stringify(delimiter)}`),
    );
  });
});

describe("properties", () => {
  const number = fc.float({ noNaN: true, noDefaultInfinity: true });
  const table = fc.integer({ min: 1, max: 5 }).chain((width) =>
    fc.array(
      fc.tuple(
        fc.array(number, { minLength: width, maxLength: width }),
        fc.string({ unit: "binary", maxLength: 6 }).map((s) => `L${s}`),
      ),
      { minLength: 1, maxLength: 12 },
    ),
  );
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;

  test("what is written in any dialect is read back to the bit", () => {
    const dialect = fc.record({
      delimiter: fc.constantFrom(",", ";", "\t", "|"),
      end: fc.constantFrom("\n", "\r\n", "\r"),
      mark: fc.constantFrom("", "\ufeff"),
      isQuoted: fc.boolean(),
      hasHeader: fc.boolean(),
      isPacked: fc.boolean(),
      blank: fc.nat(2),
    });
    fc.assert(
      fc.property(
        table,
        dialect,
        (rows, { delimiter, end, mark, isQuoted, hasHeader, isPacked, blank }) => {
          const width = rows[0]![0].length;
          const lines = rows.map(([cells, label]) =>
            [...cells.map((x) => (isQuoted ? quoted(String(x)) : String(x))), quoted(label)].join(
              delimiter,
            ),
          );
          if (hasHeader) {
            lines.unshift([...Array(width + 1).keys()].map((j) => `c${j}`).join(delimiter));
          }
          const text = mark + lines.join(end + end.repeat(blank)) + end;
          const bytes = new TextEncoder().encode(text);
          // An unquoted separator of another dialect may be more frequent in a label: the delimiter is stated.
          const got = parseCsv(isPacked ? gzipSync(bytes) : bytes, { delimiter });
          expect(got.shape).toEqual([width]);
          expect(got.inputs).toEqual(
            Float32Array.from(
              rows.flatMap(([cells]) => cells),
              (x) => x + 0,
            ),
          );
          const labels = Array.from(got.targets, (label) => got.classNames![label]);
          expect(labels).toEqual(rows.map(([, label]) => label));
          expect(got.featureNames?.length).toBe(hasHeader ? width : undefined);
        },
      ),
      { numRuns: RUNS },
    );
  });

  const options = fc
    .tuple(
      fc.constantFrom<CsvOptions>({}, { header: true }, { header: false }, { header: "auto" }),
      fc.constantFrom<CsvOptions>({}, { label: 0 }, { label: 1 }, { label: -1 }, { label: "a" }),
      fc.constantFrom<CsvOptions>({}, { task: "classification" }, { task: "regression" }),
      fc.constantFrom<CsvOptions>({}, { missing: "drop" }),
      fc.constantFrom<CsvOptions>({}, { maxRows: 0 }, { maxRows: 2 }),
    )
    .map((parts): CsvOptions => Object.assign({}, ...parts));
  const csvLike = fc
    .array(
      fc.constantFrom(
        "1",
        "2",
        ",",
        "\n",
        "\r",
        '"',
        '""',
        ";",
        "a",
        " ",
        "e",
        "-",
        ".",
        "\t",
        "NaN",
        "\0",
        "é",
      ),
    )
    .map((parts) => parts.join(""));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    csvLike.map((text) => new TextEncoder().encode(text)),
    csvLike.map((text) => new Uint8Array(gzipSync(text))),
    fc
      .uint8Array({ maxLength: 100 })
      .map((rest) => Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...rest)),
  );

  test("any bytes give a data set whose parts agree, or a DataError", () => {
    fc.assert(
      fc.property(bytes, options, (input, given) => {
        const dataset = withDataErrors(() => parseCsv(input, given));
        if (dataset === undefined) return;
        expect(dataset.inputs.length).toBe(dataset.rows * dataset.shape[0]!);
        expect(dataset.targets.length).toBe(dataset.rows);
        expect(dataset.inputs.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  test("text and its bytes are the same file", () => {
    fc.assert(
      fc.property(csvLike, (text) => {
        const read = (input: string | Uint8Array) => {
          try {
            return parseCsv(input);
          } catch (error) {
            return (error as Error).message;
          }
        };
        expect(read(new TextEncoder().encode(text))).toEqual(read(text));
      }),
      { numRuns: RUNS },
    );
  });
});

describe("cost", () => {
  test.each([
    // Four bytes of text hold no row of four cells, so blank lines make no room; nor do rows within quotes.
    ["blank lines", `1,2,3,a\n${"\n".repeat(2 ** 16)}`, 8192 * 3 + 6],
    ["long rows", `${"1.00000000000000000000,2,3,a\n".repeat(1000)}`, 1001 * 3],
  ])("room is bounded by the file, whatever it promises: %s", (_, text, most) => {
    const lengths: number[] = [];
    class Recorder extends Float32Array {
      constructor(length: number) {
        super(length);
        lengths.push(length);
      }
    }
    vi.stubGlobal("Float32Array", Recorder);
    try {
      parseCsv(text);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(most);
  });

  test.each<[string, (n: number) => string]>([
    ["one quoted cell", (n) => `"${"a,".repeat(n)}`],
    ["doubled quotes", (n) => `1,"${'""'.repeat(n)}"x`],
    ["empty cells", (n) => ",".repeat(2 * n)],
    ["blank lines", (n) => "\n".repeat(2 * n)],
    ["an error in the last row", (n) => `${"1,1\n".repeat(n / 8)}1`],
    ["spaces", (n) => " ".repeat(2 * n)],
    ["digits", (n) => `1,${"1".repeat(2 * n)}`],
  ])("time grows no faster than %s", (_, make) => {
    const time = (n: number) => {
      const text = make(n);
      const times = Array.from({ length: 3 }, () =>
        cpuMilliseconds(() => dataErrorOf(() => parseCsv(text))),
      );
      return Math.min(...times);
    };
    time(2 ** 14); // compiled first
    // Quadratic time would give 16; 1 ms keeps the clock's noise out.
    expect((time(2 ** 18) + 1) / (time(2 ** 16) + 1)).toBeLessThan(9);
  });
});
