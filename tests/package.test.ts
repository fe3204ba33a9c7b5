import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";

const manifest = JSON.parse(fs.readFileSync("package.json", "utf8"));

/** Evaluates a module in a process of its own, where `headstart` is the package, by its exports. */
const evaluate = (code: string) =>
  JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }),
  );

test("the exports are these, and each can be imported", () => {
  expect(Object.keys(manifest.exports)).toEqual([
    ".",
    "./core",
    "./init",
    "./diagnostics",
    "./node",
    "./wasm/*.wasm",
    "./package.json",
  ]);
  const names = evaluate(`
    const [root, core, init, diagnostics, node] = await Promise.all(
      ["headstart", "headstart/core", "headstart/init", "headstart/diagnostics", "headstart/node"].map((name) => import(name)));
    console.log(JSON.stringify([typeof root.Network.create, typeof core.loadCore, typeof init.initializer,
      typeof diagnostics.signals, typeof node.enableTurbo]));
  `);
  expect(names).toEqual(["function", "function", "function", "function", "function"]);
});

test("the public names are these: adding or removing one is a decision", () => {
  const names = evaluate(
    `console.log(JSON.stringify(Object.keys(await import("headstart")).sort()))`,
  );
  expect(names).toMatchInlineSnapshot(`
    [
      "ACTIVATIONS",
      "CheckpointError",
      "DataError",
      "Network",
      "OutOfMemoryError",
      "SafetensorsError",
      "WorkerLostError",
      "activation",
      "adam",
      "adamw",
      "adding",
      "alphaDropout",
      "averagePool1d",
      "averagePool2d",
      "balancedWeights",
      "batchNorm",
      "bias",
      "bidirectional",
      "binaryCrossEntropy",
      "calibrateBias",
      "circles",
      "classCounts",
      "constantRate",
      "conv1d",
      "conv2d",
      "convTranspose2d",
      "copying",
      "cosineDecay",
      "createDataset",
      "datasetNames",
      "dense",
      "depthwiseConv2d",
      "describeDivergence",
      "digest",
      "dropout",
      "embedding",
      "featuresOf",
      "flatten",
      "floatsOf",
      "gaussianDropout",
      "gaussianNoise",
      "gaussians",
      "globalAveragePool1d",
      "globalAveragePool2d",
      "globalMaxPool1d",
      "globalMaxPool2d",
      "gradInit",
      "graph",
      "groupNorm",
      "gru",
      "huber",
      "idxDataset",
      "initializer",
      "input",
      "instanceNorm",
      "krahenbuhl",
      "latch",
      "layerConfig",
      "layerFromConfig",
      "layerNorm",
      "lineWindows",
      "lion",
      "loadDataset",
      "loadNames",
      "loadWeights",
      "lstm",
      "lsuv",
      "manifests",
      "maxPool1d",
      "maxPool2d",
      "meanAbsoluteError",
      "meanSquaredError",
      "metaInit",
      "metrics",
      "momentum",
      "moons",
      "multiHeadAttention",
      "nesterov",
      "parseCsv",
      "parseIdx",
      "pixelShuffle",
      "positionalEmbedding",
      "prelu",
      "readSafetensors",
      "residual",
      "rmsNorm",
      "rmsprop",
      "scale",
      "select",
      "selectWeights",
      "separableConv2d",
      "sequential",
      "sgd",
      "shrinkPerturb",
      "simpleRnn",
      "softmaxCrossEntropy",
      "spatialDropout",
      "spirals",
      "split",
      "standardiser",
      "standardiserOf",
      "stepDecay",
      "take",
      "teacher",
      "textWindows",
      "tiedDense",
      "transformerDecoderBlock",
      "transformerEncoderBlock",
      "upSampling2d",
      "version",
      "vocabulary",
      "weightNormInit",
      "widenFrom",
      "windows",
      "writeSafetensors",
      "xor",
    ]
  `);
});

test("each binary is a file of its own for hosts that bring their own loader, the same as the embedded one", async () => {
  const require = createRequire(import.meta.url);
  const { bytesOf } = await import("../src/core/variants.ts");
  for (const variant of ["simd", "relaxed", "debug"] as const) {
    const file = require.resolve(`headstart/wasm/${variant}.wasm`);
    expect(new Uint8Array(fs.readFileSync(file))).toEqual(await bytesOf(variant));
  }
});

test("the package holds the build, the command, the AssemblyScript sources and the licences, and nothing of the workshop", () => {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    encoding: "utf8",
  });
  const files: string[] = JSON.parse(output)[0].files.map((file: { path: string }) => file.path);
  for (const file of [
    "dist/index.js",
    "dist/index.d.ts",
    "bin/headstart.js",
    "assembly/index.ts",
    "LICENSE",
    "NOTICE.md",
  ]) {
    expect(files).toContain(file);
  }
  expect(
    files.filter((file) => /^(tests|bench|scripts|src|node_modules|\.cache)\//.test(file)),
  ).toEqual([]);
});
