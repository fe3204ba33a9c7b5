import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import { availableParallelism } from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit.ts";
import { softmax } from "../../src/cli/predictions.ts";
import { run } from "../../src/cli/program.ts";
import { dense, loadDataset, Network, sequential } from "../../src/index.ts";
import { capture } from "../support/streams.ts";

// The commands, run in this process; tests/cli/bin.test.ts starts the program itself.

let folder = "";
const at = (name: string) => path.join(folder, name);

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-cli-"));
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function headstart(...argv: readonly string[]) {
  const streams = capture();
  const code = await run(argv, streams);
  return { code, out: streams.out.text, err: streams.err.text };
}

/** Runs with `--json` and reads the one document. */
async function json(...argv: readonly string[]) {
  const { code, out, err } = await headstart(...argv, "--json");
  return { code, err, document: JSON.parse(out) };
}

describe("train", () => {
  test("learns iris, and says so in one document", async () => {
    const { code, document } = await json(
      ...["train", "--data", "iris", "--hidden", "16", "--lr", "0.01", "--epochs", "40", "--quiet"],
    );
    expect(code).toBe(EXIT.ok);
    expect(document).toMatchObject({ command: "train", state: "completed", steps: 160 });
    expect(document.trainAccuracy).toBeGreaterThan(0.9);
    expect(document.epochs).toHaveLength(40);
    expect(document.epochs[39].trainLoss).toBeLessThan(document.epochs[0].trainLoss / 3);
    expect(document.data).toMatchObject({ name: "iris", trainRows: 120, testRows: 30, classes: 3 });
    expect(document.data.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(document.config).toMatchObject({ hidden: [16], learningRate: 0.01, seed: 1 });
  });

  test("the same seed gives the same numbers, another seed others", async () => {
    const numbers = async (seed: string) => {
      const { document } = await json("train", "--data", "iris", "--epochs", "3", "--seed", seed);
      return document.epochs;
    };
    const first = await numbers("7");
    expect(await numbers("7")).toEqual(first);
    expect(await numbers("8")).not.toEqual(first);
  });

  test("the losses of an epoch are means over its rows", async () => {
    // With a rate of next to nothing the weights stay, so the epoch's mean is the loss over the training part.
    const { document } = await json(
      ...[
        "train",
        "--data",
        "iris",
        "--epochs",
        "1",
        "--optimizer",
        "sgd",
        "--lr",
        "1e-30",
        "--batch",
        "50",
      ],
    );
    const [epoch] = document.epochs;
    expect(epoch.trainLoss).toBeCloseTo(document.trainLoss, 5);
    expect(epoch.trainAccuracy).toBeCloseTo(document.trainAccuracy, 6);
  });

  test("a regression is told by its targets and scored in their units", async () => {
    const rows = Array.from({ length: 200 }, (_, i) => {
      const [x, y] = [Math.sin(i), Math.cos(3 * i)];
      return `${x},${y},${1000 + 300 * x - 100 * y}`;
    });
    fs.writeFileSync(at("plane.csv"), `x,y,price\n${rows.join("\n")}\n`);
    const { code, document } = await json(
      ...["train", "--data", at("plane.csv"), "--hidden", "32", "--lr", "0.01", "--epochs", "60"],
      ...["--save", at("plane.safetensors")],
    );
    expect(code).toBe(EXIT.ok);
    expect(document.config.loss).toBe("mean_squared_error");
    expect(document.testR2).toBeGreaterThan(0.97);
    expect(document.testRmse).toBeLessThan(40); // of a deviation of 220
    const predicted = await json(
      "predict",
      "--model",
      at("plane.safetensors"),
      "--data",
      at("plane.csv"),
    );
    expect(predicted.document.rmse).toBeLessThan(40);
    expect(predicted.document.predictions[0].values[0]).toBeCloseTo(900, -2);
  });

  test("options reach the network", async () => {
    const { document } = await json(
      ...[
        "train",
        "--data",
        "moons",
        "--hidden",
        "8,4",
        "--activation",
        "leaky_relu:0.2",
        "--epochs",
        "2",
      ],
      ...[
        "--init",
        "kaiming_uniform",
        "--optimizer",
        "adamw",
        "--weight-decay",
        "0.5",
        "--batch",
        "100",
      ],
      ...[
        "--schedule",
        "cosine",
        "--warmup",
        "4",
        "--clip",
        "1",
        "--dropout",
        "0.1",
        "--no-standardise",
      ],
    );
    expect(document.parameters).toBe(2 * 8 + 8 + 8 * 4 + 4 + 4 * 2 + 2);
    expect(document.config).toMatchObject({
      activation: "leaky_relu:0.2",
      init: "he_uniform",
      optimizer: { kind: "adamw", weightDecay: 0.5 },
      ...{ schedule: "cosine", warmup: 4, clip: 1, dropout: 0.1, standardise: false },
    });
    expect(document.epochs[1].learningRate).toBeLessThan(document.epochs[0].learningRate);
  });

  test("--init takes a library for its defaults, and saves it with the network", async () => {
    const path = at("torch.st");
    const argv = ["train", "--data", "iris", "--epochs", "1", "--lr", "1e-9"];
    const { document } = await json(...argv, "--init", "torch", "--save", path);
    expect(document.config.init).toBe("torch");
    const net = await Network.load(fs.readFileSync(path));
    expect(net.recipe.preset).toMatchObject({ name: "torch", asked: [] });
    const bias = net.explain().find(({ name }) => name === "dense/bias")!;
    expect(bias).toMatchObject({ scheme: "torch_default", why: { by: "preset" } });
  });

  test("a network without hidden layers is linear", async () => {
    const { document } = await json("train", "--data", "iris", "--hidden", "none", "--epochs", "1");
    expect(document.parameters).toBe(4 * 3 + 3);
  });

  test("divergence is a result, and a failure only for those who ask", async () => {
    const argv = [
      "train",
      "--data",
      "iris",
      "--lr",
      "1e30",
      "--optimizer",
      "sgd",
      "--save",
      at("nan.st"),
    ];
    const result = await json(...argv);
    expect(result.code).toBe(EXIT.ok);
    expect(result.document.state).toBe("diverged");
    expect(result.document.divergence).toMatchObject({ layer: expect.any(String) });
    expect(["NaN", "Infinity", "-Infinity"]).toContain(result.document.divergence.value);
    // NaN outputs are neither right nor wrong: 0 would be a measurement.
    for (const record of [result.document, ...result.document.epochs]) {
      for (const part of ["train", "test"]) {
        const isLost = record[`${part}Loss`] === null;
        expect(record[`${part}Accuracy`] === null).toBe(isLost);
      }
    }
    expect(result.document).toMatchObject({
      trainLoss: null,
      trainAccuracy: null,
      testAccuracy: null,
    });
    expect(result.document.saved).toBeNull();
    expect(fs.existsSync(at("nan.st"))).toBe(false);
    const strict = await headstart(...argv, "--fail-on-divergence");
    expect(strict.code).toBe(EXIT.diverged);
    expect(strict.out).toMatch(/diverged at step \d+: .*\n.*try a lower --lr/);
  });

  test("for people there are a table of epochs and a sentence, without escapes off a terminal", async () => {
    const { out, err } = await headstart("train", "--data", "iris", "--epochs", "25");
    expect(out).toMatch(/^epoch +rate +train loss +test loss +train acc +test acc$/m);
    expect(out.match(/^ +\d+ +0\.001 /gm)).toHaveLength(10);
    expect(out).toMatch(/^completed 25 epochs \(100 steps, .*\): accuracy .* on the test part/m);
    expect(err).toMatch(
      /^iris: 120 rows to train on, 30 to test on, 4 inputs, 3 classes, standardised$/m,
    );
    expect(out + err).not.toContain("\u001b");
  });

  test("FORCE_COLOR colours, --no-color does not", async () => {
    const forced = capture({ FORCE_COLOR: "1" });
    await run(["train", "--data", "iris", "--epochs", "1"], forced);
    expect(forced.out.text).toContain("\u001b[32m");
    const plain = capture({ FORCE_COLOR: "1" });
    await run(["train", "--data", "iris", "--epochs", "1", "--no-color"], plain);
    expect(plain.out.text + plain.err.text).not.toContain("\u001b");
  });
});

describe("predict", () => {
  const model = () => at("iris.safetensors");

  beforeAll(async () => {
    const { code } = await headstart(
      ...[
        "train",
        "--data",
        "iris",
        "--hidden",
        "16",
        "--lr",
        "0.01",
        "--epochs",
        "60",
        "--save",
        model(),
      ],
    );
    expect(code).toBe(EXIT.ok);
    const { test: part } = await loadDataset("iris");
    const names = part.featureNames!.join(",");
    const row = (i: number) => [...part.inputs.subarray(4 * i, 4 * i + 4)].join(",");
    const label = (i: number) => part.classNames![part.targets[i]!]!;
    const rows = Array.from({ length: part.rows }, (_, i) => i);
    const labelled = rows.map((i) => `${row(i)},${label(i)}`).join("\n");
    fs.writeFileSync(at("labelled.csv"), `${names},species\n${labelled}\n`);
    fs.writeFileSync(at("unlabelled.csv"), `${names}\n${rows.map(row).join("\n")}\n`);
    const virginica = rows.filter((i) => label(i) === "virginica");
    const one = virginica.map((i) => `${row(i)},${label(i)}`).join("\n");
    fs.writeFileSync(at("one-class.csv"), `${names},species\n${one}\n`);
    fs.writeFileSync(
      at("first.csv"),
      `species,${names}\n${rows.map((i) => `${label(i)},${row(i)}`).join("\n")}\n`,
    );
    fs.writeFileSync(at("stranger.csv"), `${names},species\n${row(0)},tulip\n${row(1)},setosa\n`);
    const swapped = [...part.featureNames!].reverse().join(",");
    fs.writeFileSync(at("swapped.csv"), `${swapped},species\n${labelled}\n`);
  });

  test("does on the test part what training said it would", async () => {
    const trained = await json(
      ...["train", "--data", "iris", "--hidden", "16", "--lr", "0.01", "--epochs", "60"],
    );
    const { code, document } = await json("predict", "--model", model(), "--data", "iris");
    expect(code).toBe(EXIT.ok);
    expect(document.accuracy).toBeCloseTo(trained.document.testAccuracy, 12);
    expect(document.predictions).toHaveLength(30);
    for (const { row, class: name, probability } of document.predictions) {
      expect(row).toBeGreaterThan(0);
      expect(["setosa", "versicolor", "virginica"]).toContain(name);
      expect(probability).toBeGreaterThanOrEqual(1 / 3);
      expect(probability).toBeLessThanOrEqual(1);
    }
  });

  test("gives the same for a table, with labels, without, or with them in another column", async () => {
    const predictions = async (...data: string[]) => {
      const { document } = await json("predict", "--model", model(), "--data", ...data);
      return document.predictions.map((p: { class: string; probability: number }) => [
        p.class,
        p.probability,
      ]);
    };
    const expected = await predictions("iris");
    expect(await predictions(at("labelled.csv"))).toEqual(expected);
    expect(await predictions(at("unlabelled.csv"))).toEqual(expected);
    expect(await predictions(at("first.csv"), "--label", "species")).toEqual(expected);
  });

  test("the model remembers its label column", async () => {
    const saved = at("first.safetensors");
    const argv = ["train", "--data", at("first.csv"), "--hidden", "8", "--epochs", "3", "--quiet"];
    const accuracy = async (file: string) =>
      (await json("predict", "--model", saved, "--data", at(file))).document.accuracy;
    for (const label of ["species", "0"]) {
      expect((await headstart(...argv, "--label", label, "--save", saved)).code).toBe(EXIT.ok);
      const first = await accuracy("first.csv");
      expect(first).toBeGreaterThanOrEqual(0);
      // By name it is found wherever it is, and a table may lack it.
      if (label === "species") expect(await accuracy("labelled.csv")).toBe(first);
      expect(await accuracy("unlabelled.csv")).toBeUndefined();
      const asked = ["--model", saved, "--data", at("first.csv"), "--label", label];
      expect((await json("predict", ...asked)).document.accuracy).toBe(first);
    }
  });

  test("knows no accuracy without labels", async () => {
    const { document } = await json("predict", "--model", model(), "--data", at("unlabelled.csv"));
    expect(document).not.toHaveProperty("accuracy");
    expect(document.predictions[0]).not.toHaveProperty("label");
  });

  test("a table with one class of three has the model's labels, not its own", async () => {
    const all = await json("predict", "--model", model(), "--data", at("labelled.csv"));
    const { document } = await json("predict", "--model", model(), "--data", at("one-class.csv"));
    const right = all.document.predictions.filter(
      (p: { label: string; class: string }) => p.label === "virginica" && p.class === "virginica",
    );
    expect(document.predictions.every((p: { label: string }) => p.label === "virginica")).toBe(
      true,
    );
    expect(document.accuracy).toBeCloseTo(right.length / document.predictions.length, 12);
    expect(document.accuracy).toBeGreaterThan(0.5);
  });

  test.each([
    ["a class the model does not know", "stranger.csv", [], /got "tulip"/],
    [
      "columns in another order",
      "swapped.csv",
      [],
      /expected feature 1 to be "sepal length \(cm\)"/,
    ],
    ["the labels where features should be", "first.csv", [], /first\.csv/],
  ])("%s is refused", async (_, file, more, message) => {
    const { code, err } = await headstart(
      "predict",
      "--model",
      model(),
      "--data",
      at(file),
      ...more,
    );
    expect(code).toBe(EXIT.data);
    expect(err).toMatch(message);
  });

  test("writes CSV with every row, and the table with as many as asked for", async () => {
    const csv = await headstart("predict", "--model", model(), "--data", "iris", "--out", "csv");
    const lines = csv.out.trimEnd().split("\n");
    expect(lines[0]).toBe("row,class,probability,label");
    expect(lines).toHaveLength(31);
    expect(lines[1]).toMatch(/^1,(setosa|versicolor|virginica),0\.\d+|1,/);
    expect(csv.err).toMatch(/^iris: 30 rows, accuracy \d+\.\d %$/m);
    const short = await headstart("predict", "--model", model(), "--data", "iris", "--limit", "3");
    expect(short.out.match(/^ +\d+ {2}\w+/gm)).toHaveLength(3);
    expect(short.out).toContain("… 27 more rows");
  });

  test("class names from a file cannot drive the terminal", async () => {
    fs.writeFileSync(
      at("evil.csv"),
      `a,b,label\n${Array.from({ length: 20 }, (_, i) => `${i},${-i},${i % 2 ? "good" : "\u001b[31mevil\u0007"}`).join("\n")}\n`,
    );
    await headstart("train", "--data", at("evil.csv"), "--epochs", "1", "--save", at("evil.st"));
    for (const out of ["table", "csv"]) {
      const result = await headstart(
        "predict",
        "--model",
        at("evil.st"),
        "--data",
        at("evil.csv"),
        "--out",
        out,
      );
      expect(result.code).toBe(EXIT.ok);
      expect(result.out + result.err).not.toMatch(/[^\P{Cc}\n]/u);
    }
    const info = await headstart("data", "info", at("evil.csv"));
    expect(info.out).toContain("evil");
    expect(info.out).not.toContain("\u001b");
  });

  test("a network that the library saved is used on the data as they are", async () => {
    const network = await Network.create({
      input: [4],
      body: sequential(dense(8, { activation: "tanh" }), dense(3)),
      seed: 3,
    });
    fs.writeFileSync(at("bare.st"), network.save());
    const { document, err } = await json("predict", "--model", at("bare.st"), "--data", "iris");
    expect(err).toContain("used as they are");
    const { test: part } = await loadDataset("iris");
    const expected = softmax(network.predict(part.inputs).subarray(0, 3));
    expect(document.predictions[0].probability).toBe(Math.max(...expected));
  });

  test("one logit gives two classes", async () => {
    const trained = await json(
      ...["train", "--data", "moons", "--loss", "binary_cross_entropy", "--save", at("moons.st")],
    );
    expect(trained.document.testAccuracy).toBeGreaterThan(0.85);
    const { document } = await json("predict", "--model", at("moons.st"), "--data", "moons");
    expect(document.accuracy).toBeCloseTo(trained.document.testAccuracy, 12);
    expect(
      Math.min(...document.predictions.map((p: { probability: number }) => p.probability)),
    ).toBeGreaterThanOrEqual(0.5);
  });

  test.each([
    ["is cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
    ["is empty", () => Buffer.alloc(0)],
    ["is text", () => Buffer.from("a,b\n1,2\n")],
    [
      "has a wrong header length",
      (bytes: Buffer) => Buffer.concat([Buffer.alloc(8, 255), bytes.subarray(8)]),
    ],
  ])("a model that %s is refused in one sentence", async (_, damage) => {
    fs.writeFileSync(at("damaged.st"), damage(fs.readFileSync(model())));
    const { code, err, out } = await headstart(
      "predict",
      "--model",
      at("damaged.st"),
      "--data",
      "iris",
    );
    expect(code).toBe(EXIT.data);
    expect(out).toBe("");
    expect(err).toMatch(/^headstart: .*damaged\.st.*; .*\n$/);
  });
});

test("softmax sums to 1 for any logits, and is what it is by definition", () => {
  expect(softmax([0, 0])).toEqual([0.5, 0.5]);
  expect(softmax([1000, 0])).toEqual([1, 0]);
  const p = softmax([1, 2, 3]);
  const sum = Math.E + Math.E ** 2 + Math.E ** 3;
  p.forEach((x, i) => {
    expect(x).toBeCloseTo(Math.E ** (i + 1) / sum, 14);
  });
});

describe("compare", () => {
  const small = [
    ...["compare", "--data", "iris", "--depth", "3", "--width", "8", "--init", "he_normal,zeros"],
    ...["--lr", "0.01", "--steps", "60", "--seeds", "2", "--workers", "1", "--seed", "5"],
  ];

  test("gives the lab's document", async () => {
    const { code, document, err } = await json(...small);
    expect(code).toBe(EXIT.ok);
    expect(document.config).toMatchObject({
      depth: 3,
      seeds: [5, 6],
      variant: "simd",
      batchSize: 100,
    });
    expect(document.schemes.map((s: { scheme: string }) => s.scheme)).toEqual([
      "he_normal",
      "zeros",
    ]);
    const [he] = document.schemes;
    expect(he.forward).toHaveLength(3);
    expect(he.gradient).toHaveLength(3);
    expect(he.runs).toHaveLength(2);
    expect(document.data.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(err).toMatch(/^2 relu layers of 8 units and an output layer/m);
  });

  test("compares libraries' defaults with schemes", async () => {
    const argv = ["compare", "--data", "iris", "--depth", "2", "--width", "8", "--steps", "10"];
    const { code, document } = await json(
      ...argv,
      ...["--init", "torch_default,torch,glorot_uniform,keras"],
      ...["--lr", "0.01", "--seeds", "1", "--workers", "1"],
    );
    expect(code).toBe(EXIT.ok);
    type Result = { scheme: string; trainLoss: number };
    const results = document.schemes.map(({ scheme, trainLoss }: Result) => [scheme, trainLoss]);
    const losses = new Map<string, number>(results);
    expect([...losses.keys()]).toEqual(["torch_default", "torch", "glorot_uniform", "keras"]);
    expect(losses.get("keras")).toBe(losses.get("glorot_uniform")); // its biases are 0 too
    expect(losses.get("torch")).not.toBe(losses.get("torch_default")); // its biases are not
  });

  test("draws it for people", async () => {
    const { code, out } = await headstart(...small);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^scheme +rate +state +train loss +train acc +test acc +to 90 %$/m);
    expect(out).toContain("Signal at initialisation");
    expect(out).toMatch(/[\u2801-\u28ff]/);
    expect(out).toMatch(/^zeros: every hidden unit gives 0/m);
  });

  test("numbers as targets cannot be compared on", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i},${i / 7}`).join("\n");
    fs.writeFileSync(at("numbers.csv"), `x,y\n${rows}\n`);
    const { code, err } = await headstart("compare", "--data", at("numbers.csv"));
    expect(code).toBe(EXIT.data);
    expect(err).toMatch(/expected targets of at least 2 classes/);
  });
});

describe("doctor", () => {
  test("finds this machine well, and the product of matrices right", async () => {
    const { code, document } = await json("doctor");
    expect(code).toBe(EXIT.ok);
    expect(document).toMatchObject({ command: "doctor", healthy: true, simd: true });
    expect(document.gemm.right).toBe(true);
    expect(document.gemm.gflops).toBeGreaterThan(0.5);
    expect(document.engine.node).toBe(process.versions.node);
    expect(document.threads.asked).toBe("auto");
    expect(document.threads.count).toBe(Math.min(64, availableParallelism()));
  });
});

describe("data", () => {
  test("lists what comes with the package", async () => {
    const { document } = await json("data", "list");
    const names = document.datasets.map((d: { name: string }) => d.name);
    expect(names).toEqual(
      expect.arrayContaining(["digits", "iris", "wine", "breast_cancer", "spirals"]),
    );
    const { out } = await headstart("data", "list");
    for (const name of names) expect(out).toMatch(new RegExp(`^${name} `, "m"));
  });

  test("describes a set: rows of each class add up to the rows", async () => {
    const { document } = await json("data", "info", "digits");
    expect(document).toMatchObject({
      rows: 1797,
      trainRows: 1400,
      testRows: 397,
      shape: [8, 8],
      classes: 10,
    });
    const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
    expect(sum(document.classCounts.train)).toBe(1400);
    expect(sum(document.classCounts.test)).toBe(397);
    expect(document.manifest.licence).toMatch(/CC BY 4\.0/);
  });

  test("describes a table, with the sum that sha256sum prints", async () => {
    const table = "a,b,c\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n";
    fs.writeFileSync(at("tiny.csv"), table);
    const { document } = await json("data", "info", at("tiny.csv"));
    expect(document).toMatchObject({
      rows: 4,
      trainRows: 3,
      testRows: 1,
      shape: [2],
      classNames: ["x", "y"],
    });
    expect(document.sha256).toBe(createHash("sha256").update(table).digest("hex"));
  });

  test("describes a pair of IDX files", async () => {
    const images = Buffer.concat([
      Buffer.from([0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 2]),
      Buffer.alloc(16, 51),
    ]);
    const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 1]);
    fs.writeFileSync(at("images"), images);
    fs.writeFileSync(at("labels"), labels);
    const { document } = await json("data", "info", `${at("images")},${at("labels")}`);
    expect(document).toMatchObject({ rows: 4, shape: [2, 2], classes: 3 });
    expect(document.inputs.mean).toBeCloseTo(0.2, 6);
    expect(document.files).toHaveLength(2);
  });
});
