import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { classCounts } from "../../src/data/dataset.ts";
import { readDataset } from "../../src/data/files.node.ts";
import { dataErrorFrom, writeIdx } from "./support.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-data-"));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** Writes files into a folder of their own. */
function folderOf(files: Record<string, string | Uint8Array>): string {
  const folder = path.join(root, `set-${folders++}`);
  fs.mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    fs.writeFileSync(path.join(folder, name), content);
  }
  return folder;
}
const fileOf = (name: string, content: string | Uint8Array) =>
  path.join(folderOf({ [name]: content }), name);

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

const TABLE = "x,y,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n9,10,a\n";
const trainImages = writeIdx("u8", [3, 2, 2], [0, 255, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
const trainLabels = writeIdx("u8", [3], [0, 1, 1]);
const testImages = writeIdx("u8", [2, 2, 2], [9, 9, 9, 9, 8, 8, 8, 8]);
const testLabels = writeIdx("u8", [2], [4, 0]);

describe("tables", () => {
  test.each<[string, string | Uint8Array]>([
    ["t.csv", TABLE],
    ["t.CSV", TABLE],
    ["t.txt", TABLE.replaceAll(",", " ; ")],
    ["t.tsv", TABLE.replaceAll(",", "\t")],
    ["t.csv.gz", gzipSync(TABLE)],
    ["t.tsv.gz", gzipSync(TABLE.replaceAll(",", "\t"))],
  ])("%s", async (name, content) => {
    const file = fileOf(name, content);
    const { train, test, files, dropped } = await readDataset(file);
    expect(train).toMatchObject({ name, rows: 5, shape: [2], classNames: ["a", "b"] });
    expect([...train.inputs]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(test).toBeUndefined();
    expect(dropped).toBe(0);
    expect(files).toEqual([
      { path: file, bytes: Buffer.byteLength(content), sha256: sha256(content) },
    ]);
  });

  test("a .tsv keeps to tabs, though commas be more frequent", async () => {
    const { train } = await readDataset(fileOf("t.tsv", "a,b,c\tkind\n1\tx,y,z\n2\tw\n"));
    expect(train.featureNames).toEqual(["a,b,c"]);
  });

  test("options reach the reader: label, missing, name, split", async () => {
    const { train, test, dropped } = await readDataset(
      fileOf("t.csv", `k,x\n${"a,1\nb,2\n".repeat(3)}a,\n`),
      {
        label: "k",
        missing: "drop",
        name: "mine",
        split: { train: 4, seed: 2 },
      },
    );
    expect([train.rows, test?.rows, dropped]).toEqual([4, 2, 1]);
    expect(train).toMatchObject({ name: "mine", featureNames: ["x"] });
  });
});

describe("IDX files", () => {
  const mnist = {
    "train-images-idx3-ubyte": trainImages,
    "train-labels-idx1-ubyte": trainLabels,
    "t10k-images-idx3-ubyte": testImages,
    "t10k-labels-idx1-ubyte": testLabels,
  };
  const names = Object.keys(mnist);

  test.each<[string, Record<string, Uint8Array>]>([
    ["plain", mnist],
    [
      "gzipped",
      Object.fromEntries(Object.entries(mnist).map(([name, b]) => [`${name}.gz`, gzipSync(b)])),
    ],
    [
      "with dots",
      Object.fromEntries(
        Object.entries(mnist).map(([name, b]) => [name.replace("-idx", ".idx"), b]),
      ),
    ],
  ])("a folder of MNIST's files, %s, has the official parts", async (_, contents) => {
    const folder = folderOf(contents);
    const { train, test, files } = await readDataset(`${folder}/`, { split: { train: 1 } });
    // Class 4 is in the test part alone, but both have 5 classes.
    expect(train).toMatchObject({
      name: path.basename(folder),
      rows: 3,
      shape: [2, 2],
      classes: 5,
    });
    expect(test).toMatchObject({ rows: 2, classes: 5 });
    expect([...train.targets, ...test!.targets]).toEqual([0, 1, 1, 4, 0]);
    expect(train.inputs[1]).toBe(1);
    expect(files.map((file) => file.sha256)).toEqual(Object.values(contents).map(sha256));
    expect(files.map((file) => path.basename(file.path))).toEqual(Object.keys(contents));
  });

  test("without the test pair there is no test part, unless a split is asked for", async () => {
    const folder = folderOf({ [names[0]!]: trainImages, [names[1]!]: trainLabels });
    expect((await readDataset(folder)).test).toBeUndefined();
    const { train, test } = await readDataset(folder, { split: { train: 2 } });
    expect([train.rows, test?.rows]).toEqual([2, 1]);
  });

  test("a pair by path", async () => {
    const images = fileOf("some-images", trainImages);
    const labels = fileOf("some-labels.gz", gzipSync(trainLabels));
    const { train, files } = await readDataset({ images, labels }, { classNames: ["no", "yes"] });
    expect(train).toMatchObject({ name: "some-images", classes: 2, classNames: ["no", "yes"] });
    expect(files.map((file) => file.path)).toEqual([images, labels]);
  });

  test.each<[string, Record<string, Uint8Array>, RegExp]>([
    [
      "an empty folder",
      {},
      /expected a file train-images-idx3-ubyte \(or \.gz\), got an empty folder; name the folder/,
    ],
    [
      "labels missing",
      { [names[0]!]: trainImages },
      /expected a file train-labels-idx1-ubyte \(or \.gz\), got "train-images-idx3-ubyte"; name the folder/,
    ],
    [
      "test images of another size",
      {
        ...mnist,
        // u8, 3 axes: 2 images of 1 x 2.
        [names[2]!]: Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9),
      },
      /expected test images of 2x2, as the training images are, got 1x2; put files that belong together into the folder$/,
    ],
    [
      "half of the test pair",
      { [names[0]!]: trainImages, [names[1]!]: trainLabels, [names[2]!]: testImages },
      /expected a file t10k-labels-idx1-ubyte \(or \.gz\), got "t10k-images-idx3-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-ubyte"; name the folder/,
    ],
    [
      "a truncated file",
      { ...mnist, [names[3]!]: testLabels.subarray(0, -1) },
      /t10k-labels-idx1-ubyte: expected 2 bytes of data for u8 of \[2\], got 1; the file is truncated; fetch it again$/,
    ],
    [
      "parts that do not match",
      { ...mnist, [names[3]!]: trainLabels },
      /labels: expected 2 labels, one for each image, got 3; the two files are not of the same set/,
    ],
  ])("refuses %s", async (_, contents, message) => {
    const { message: got } = await dataErrorFrom(readDataset(folderOf(contents)));
    expect(got).toMatch(message);
  });
});

describe("paths", () => {
  test("a missing file is named, with the nearest one beside it", async () => {
    const folder = folderOf({ "letters.csv": TABLE });
    const file = path.join(folder, "leters.csv");
    expect((await dataErrorFrom(readDataset(file))).message).toBe(
      `${file}: expected a file that can be read, got no such file; did you mean "letters.csv"?`,
    );
    const other = path.join(folder, "nothing-like-it.csv");
    expect((await dataErrorFrom(readDataset(other))).message).toBe(
      `${other}: expected a file that can be read, got no such file; check the path`,
    );
    const images = path.join(folder, "gone", "images");
    const error = await dataErrorFrom(readDataset({ images, labels: images }));
    expect(error).toMatchObject({ source: images, got: "no such file" });
  });

  test.each<[string, () => string, RegExp]>([
    [
      "a path through a file",
      () => path.join(fileOf("a.csv", TABLE), "b.csv"),
      /got a path through something that is no folder; check the path$/,
    ],
    [
      "a NUL in the path",
      () => path.join(root, "a\0b.csv"),
      /a\\u\{0\}b\.csv: expected a file that can be read, got a path with a NUL character; check the path$/,
    ],
    [
      "a name that is too long",
      () => path.join(root, `${"x".repeat(300)}.csv`),
      /got a name that is too long; check the path$/,
    ],
    [
      "another extension",
      () => fileOf("a.parquet", TABLE),
      /expected a table \(.csv, .tsv, .txt, each also .gz\) or a folder of MNIST's files, got a file called "a.parquet"; rename a table to .csv/,
    ],
    [
      "a single IDX file",
      () => fileOf("train-images-idx3-ubyte.gz", gzipSync(trainImages)),
      /got a file called "train-images-idx3-ubyte.gz"; rename a table to .csv; give an IDX file of images together with its labels$/,
    ],
    [
      "an empty file",
      () => fileOf("a.csv", ""),
      /a\.csv: expected at least one row of data, got an empty file; check that this is the right file$/,
    ],
  ])("refuses %s", async (_, make, message) => {
    expect((await dataErrorFrom(readDataset(make()))).message).toMatch(message);
  });

  test("refuses a folder or a device in place of a file", async () => {
    const folder = folderOf({});
    const error = await dataErrorFrom(readDataset({ images: folder, labels: folder }));
    expect(error.message).toBe(
      `${folder}: expected a file, got a folder; name a file; save a stream to one first`,
    );
    const device = await dataErrorFrom(readDataset({ images: os.devNull, labels: os.devNull }));
    expect(device.got).toBe("a device, pipe or socket");
  });

  test("a file beyond the cap is not read", async () => {
    const file = fileOf("a.csv", "");
    fs.truncateSync(file, 2 ** 40); // sparse: takes no space
    expect((await dataErrorFrom(readDataset(file))).message).toBe(
      `${file}: expected a file of at most 1073741824 bytes, got 1099511627776; raise maxBytes, or keep a part of the file`,
    );
    const small = fileOf("b.csv", TABLE);
    const error = await dataErrorFrom(readDataset(small, { maxBytes: 10 }));
    expect(error.got).toBe(`${TABLE.length}`);
  });

  test.skipIf(process.getuid?.() === 0)(
    "a file without permission says so (not for root)",
    async () => {
      const file = fileOf("a.csv", TABLE);
      fs.chmodSync(file, 0);
      const error = await dataErrorFrom(readDataset(file));
      expect(error.got).toBe("no permission to read it");
    },
  );
});

const FASHION = "/usr/share/datasets/fashion-mnist";
const hasFashion = fs.existsSync(FASHION);

describe("Fashion-MNIST of Debian", () => {
  test.skipIf(!hasFashion)(
    "is read whole, with the class counts and the mean of its paper (skipped without package dataset-fashion-mnist)",
    async () => {
      const { train, test, files } = await readDataset(FASHION);
      expect(train).toMatchObject({ rows: 60_000, shape: [28, 28], classes: 10 });
      expect(test).toMatchObject({ rows: 10_000, shape: [28, 28], classes: 10 });
      expect(classCounts(train)).toEqual(Array(10).fill(6000));
      expect(classCounts(test!)).toEqual(Array(10).fill(1000));
      let sum = 0;
      for (let i = 0; i < train.inputs.length; i++) sum += train.inputs[i]!;
      expect(sum / train.inputs.length).toBeCloseTo(0.286, 4);
      expect(files).toHaveLength(4);
    },
  );
});
