import { createHash } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { classCounts, featuresOf } from "../../src/data/dataset.ts";
import { digest, sha256 } from "../../src/data/digest.ts";
import { moons, spirals } from "../../src/data/generators.ts";
import { loadDataset } from "../../src/data/load.ts";
import type { DatasetName } from "../../src/data/manifest.ts";
import { datasetNames, manifests } from "../../src/data/manifest.ts";
import { split } from "../../src/data/split.ts";
import { dataErrorFrom } from "./support.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("../../src/data/sets/iris.ts");
  vi.resetModules();
});

const sum = (a: number[], b: number[]) => a.map((x, i) => x + b[i]!);

/** Least and largest value of a feature over both parts. */
async function rangeOf(name: string, feature: number): Promise<[number, number]> {
  const { train, test } = await loadDataset(name);
  const valuesOf = (part: Dataset) =>
    [...part.inputs].filter((_, k) => k % featuresOf(part) === feature);
  const values = [...valuesOf(train), ...valuesOf(test)];
  return [Math.min(...values), Math.max(...values)];
}

describe.each(datasetNames)("%s", (name) => {
  const manifest = manifests[name];

  test("has the rows, shape, classes and split that its manifest states", async () => {
    const { train, test, manifest: loaded } = await loadDataset(name);
    expect(loaded).toEqual(manifest);
    for (const part of [train, test]) {
      expect(part).toMatchObject({ name, shape: manifest.shape, classes: manifest.classes });
    }
    expect([train.rows, test.rows]).toEqual([manifest.split.train, manifest.split.test]);
    expect(train.rows + test.rows).toBe(manifest.rows);
    expect(manifest.classNames).toHaveLength(manifest.classes);
    expect(Math.min(...sum(classCounts(train), classCounts(test)))).toBeGreaterThan(0);
    expect(manifest.sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const text of [manifest.source, manifest.licence, manifest.citation, manifest.title]) {
      expect(text.length).toBeGreaterThan(5);
    }
  });
});

describe("shipped sets", () => {
  // UCI's own documentation of each set states these.
  test.each<[DatasetName, number[]]>([
    ["digits", [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]],
    ["iris", [50, 50, 50]],
    ["wine", [59, 71, 48]],
    ["breast_cancer", [212, 357]],
  ])("%s has the class counts of its documentation", async (name, counts) => {
    const { train, test } = await loadDataset(name);
    expect(sum(classCounts(train), classCounts(test))).toEqual(counts);
  });

  test.each<[DatasetName, string, number, number]>([
    ["iris", "sepal length (cm)", 4.3, 7.9],
    ["iris", "petal width (cm)", 0.1, 2.5],
    ["wine", "magnesium", 70, 162],
    ["wine", "proline", 278, 1680],
    ["breast_cancer", "mean radius", 6.981, 28.11],
    ["breast_cancer", "area error", 6.802, 542.2],
    ["breast_cancer", "worst area", 185.2, 4254],
  ])("%s: %s ranges from %d to %d, as documented", async (name, feature, least, most) => {
    const index = manifests[name].featureNames!.indexOf(feature);
    expect(await rangeOf(name, index)).toEqual([Math.fround(least), Math.fround(most)]);
  });

  test("digits are whole numbers from 0 to 16; the first image of the source is a zero", async () => {
    const { train, test } = await loadDataset("digits");
    const values = new Set([...train.inputs, ...test.inputs]);
    expect([...values].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 17 }, (_, i) => i));
    // sklearn.datasets.load_digits().images[0]
    const first = [
      0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0,
      8, 8, 0, 0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6,
      13, 10, 0, 0, 0,
    ].join(",");
    const found = [train, test].flatMap((part) =>
      Array.from({ length: part.rows }, (_, i) => ({
        image: part.inputs.subarray(64 * i, 64 * i + 64).join(","),
        label: part.targets[i],
      })).filter(({ image }) => image === first),
    );
    expect(found).toEqual([{ image: first, label: 0 }]);
  });

  test("a seed changes nothing", async () => {
    expect(await loadDataset("iris", { seed: 5 })).toEqual(await loadDataset("iris"));
  });

  test("data that differ from the manifest in one digit are refused", async () => {
    const { text } = await import("../../src/data/sets/iris.ts");
    vi.resetModules();
    vi.doMock("../../src/data/sets/iris.ts", () => ({ text: text.replace("5.1,3.5", "5.1,3.6") }));
    const { loadDataset: load } = await import("../../src/data/load.ts");
    const error: Error = await load("iris").then(
      () => new Error("loaded"),
      (reason) => reason,
    );
    expect(error.name).toBe("DataError");
    expect(error.message).toMatch(
      /^iris: expected data with sha256 3f1e7d00[0-9a-f]{56}, got [0-9a-f]{64}; the package's files are damaged/,
    );
  });

  test("an insecure page, which has no crypto.subtle, is told what to do", async () => {
    vi.stubGlobal("crypto", {});
    const error = await dataErrorFrom(loadDataset("iris"));
    expect(error.message).toBe(
      "sha256: expected WebCrypto, got a page without crypto.subtle; " +
        "serve the page over https or from localhost: browsers offer it in secure contexts only",
    );
  });
});

describe("generated sets", () => {
  test("a seed draws and divides anew, and the manifest tells which draw it was", async () => {
    const { train, test, manifest } = await loadDataset("spirals", { seed: 3 });
    const all = spirals({ seed: 3 });
    expect({ train, test }).toEqual(split(all, { train: 800, seed: 3 }));
    expect(manifest.sha256).toBe(await digest(all));
    expect(manifest.sha256).not.toBe(manifests.spirals.sha256);
    expect(manifest.split.seed).toBe(3);
  });
});

describe("names", () => {
  const list =
    "digits, iris, wine, breast_cancer, spirals, moons, circles, xor, gaussians, teacher";
  test.each([
    ["digit", 'did you mean "digits"?'],
    ["Breast-Cancer", 'did you mean "breast_cancer"?'],
    ["imagenet", "give one of these names, or read a file of your own"],
    ["", "give one of these names, or read a file of your own"],
    ["__proto__", "give one of these names, or read a file of your own"],
    ["constructor", "give one of these names, or read a file of your own"],
  ])("%o is answered with the list and the nearest name", async (name, hint) => {
    const { message } = await dataErrorFrom(loadDataset(name));
    expect(message).toBe(
      `data set ${JSON.stringify(name).replaceAll('"', '"')}: expected one of ${list}, got "${name}"; ${hint}`,
    );
  });
});

describe("digest", () => {
  test("sha256 has the known answers of FIPS 180", async () => {
    expect(await sha256(new TextEncoder().encode("abc"))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  test("is taken of little-endian f32 inputs and then i32 targets, also of views", async () => {
    const dataset = moons({ rows: 10 });
    const bytes = Buffer.alloc(120);
    dataset.inputs.forEach((x, i) => {
      bytes.writeFloatLE(x, 4 * i);
    });
    dataset.targets.forEach((t, i) => {
      bytes.writeInt32LE(t, 80 + 4 * i);
    });
    const expected = createHash("sha256").update(bytes).digest("hex");
    expect(await digest(dataset)).toBe(expected);
    const inputs = Float32Array.of(7, 7, ...dataset.inputs, 7).subarray(2, 22);
    const targets = Int32Array.of(7, ...dataset.targets, 7).subarray(1, 11);
    expect(await digest({ ...dataset, inputs, targets })).toBe(expected);
  });
});
