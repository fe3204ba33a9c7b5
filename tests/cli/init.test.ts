import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit.ts";
import { bars, histogramOf } from "../../src/cli/init.ts";
import { run } from "../../src/cli/program.ts";
import { dense, Network, sequential, writeSafetensors } from "../../src/index.ts";
import { PRETRAINED, PROCEDURES } from "../../src/init/beyond.ts";
import type { PresetName } from "../../src/init/index.ts";
import { POLICIES, PRESETS, SCHEMES } from "../../src/init/index.ts";
import { capture } from "../support/streams.ts";

let folder = "";
let model = "";

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-init-"));
  model = path.join(folder, "iris.safetensors");
  const { code } = await headstart(
    ...["train", "--data", "iris", "--hidden", "8", "--epochs", "2", "--save", model, "--quiet"],
  );
  expect(code).toBe(EXIT.ok);
});

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function headstart(...argv: readonly string[]) {
  const streams = capture();
  const code = await run(argv, streams);
  return { code, out: streams.out.text, err: streams.err.text };
}

async function json(...argv: readonly string[]) {
  const { code, out, err } = await headstart(...argv, "--json", "--quiet");
  return { code, err, document: JSON.parse(out) };
}

describe("init list", () => {
  const names = async (...argv: readonly string[]): Promise<string[]> => {
    const { code, document } = await json("init", "list", ...argv);
    expect(code).toBe(EXIT.ok);
    return document.schemes.map(({ name }: { name: string }) => name);
  };

  test("lists every scheme of the registry", async () => {
    expect(await names()).toEqual(SCHEMES.map(({ name }) => name));
    const { out } = await headstart("init", "list");
    for (const { name } of SCHEMES) expect(out).toContain(name);
  });

  test("finds by name, alias and family, however it is written", async () => {
    expect(await names("he_n")).toContain("he_normal");
    expect(await names("KaimingNormal")).toEqual(["he_normal"]);
    expect(await names("variance-scaling")).toEqual(
      SCHEMES.filter(
        ({ name, family, aliases }) =>
          family === "variance scaling" ||
          [name, ...aliases].some((text) => text.includes("variance_scaling")),
      ).map(({ name }) => name),
    );
  });

  test("lists policies, procedures and functions for pretrained weights behind the schemes", async () => {
    const { document } = await json("init", "list");
    expect(document.others.map(({ name }: { name: string }) => name)).toEqual(
      [...POLICIES, ...PROCEDURES, ...PRETRAINED].map(({ name }) => name),
    );
    const { code, out } = await headstart("init", "list", "fixup");
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^fixup +policy/m);
  });

  test("refuses a word that nothing contains", async () => {
    const { code, err } = await headstart("init", "list", "qqq");
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('init list: no scheme, alias or family contains "qqq"');
  });
});

describe("no line is wider than where it goes", () => {
  const widest = (text: string) => Math.max(...text.split("\n").map((line) => [...line].length));

  test("init list is 100 columns in a pipe, and names are whole", async () => {
    const { out } = await headstart("init", "list");
    expect(widest(out)).toBeLessThanOrEqual(100);
  });

  test.each([40, 60, 80, 120])("on a terminal of %d columns", async (columns) => {
    for (const argv of [
      ["init", "list"],
      ["init", "explain", model],
      ["init", "show", "he_normal"],
      ["init", "show", "fixup"],
      ["init", "calc", "glorot_uniform", "--fan-in", "300"],
      ["init", "calc", "truncated_normal:std=0.02", "--fan-in", "300"],
      ["data", "list"],
    ]) {
      const streams = capture({ NO_COLOR: "1" }, columns);
      expect(await run(argv, streams)).toBe(EXIT.ok);
      const text = streams.out.text;
      // Words longer than the terminal, as addresses of papers, stay whole.
      const broken = text
        .split("\n")
        .filter((line) => [...line].length > columns && / \S* /.test(line.trim()));
      expect(broken, argv.join(" ")).toEqual([]);
    }
  });
});

describe("init show", () => {
  test("shows formula, options, use, source, tested property and a histogram", async () => {
    const { code, out } = await headstart("init", "show", "kaiming_normal");
    const scheme = SCHEMES.find(({ name }) => name === "he_normal")!;
    expect(code).toBe(EXIT.ok);
    for (const text of [scheme.formula, scheme.use, scheme.source, scheme.property]) {
      expect(out).toContain(text);
    }
    expect(out.match(/^ *-?[\d.e-]+ █/gm)!.length).toBeGreaterThan(10);
  });

  test("the sample is the seed's, and its numbers agree with the theory", async () => {
    const sample = async (...argv: readonly string[]) =>
      (await json("init", "show", "glorot_uniform", ...argv)).document.sample;
    const first = await sample("--seed", "3");
    expect(await sample("--seed", "3")).toEqual(first);
    expect(await sample("--seed", "4")).not.toEqual(first);
    expect(first.histogram.counts.reduce((a: number, b: number) => a + b, 0)).toBe(30_000);
    expect(first.theory.std).toBeCloseTo(Math.sqrt(1 / 200), 12);
    // 5 deviations of a uniform law's sample variance: sqrt(0.8 / n), half of it for the deviation.
    expect(Math.abs(first.measured.std / first.theory.std - 1)).toBeLessThan(
      2.5 * Math.sqrt(0.8 / 30_000),
    );
    expect(first.verdict.passes).toBe(true);
  });

  test.each([
    ["fixup", "policy", 'Network.create({ policy: "fixup", … })'],
    ["lsuv", "procedure", "lsuv(network, …)"],
    ["loadWeights", "pretrained", "loadWeights(network, …)"],
  ])("%s is shown as a %s, with its call", async (name, family, call) => {
    const { code, out } = await headstart("init", "show", name);
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(new RegExp(`^${family} +${name}$`, "m"));
    expect(out).toContain(call);
    expect((await json("init", "show", name)).document.others).toMatchObject([{ name, family }]);
  });

  test("gpt2 is a scheme and a policy: both are shown", async () => {
    const { out } = await headstart("init", "show", "gpt2");
    expect(out).toMatch(/^scheme +gpt2_normal$/m);
    expect(out).toMatch(/^policy +gpt2$/m);
  });

  test("every scheme can be shown", async () => {
    for (const { name } of SCHEMES) {
      const { code, document } = await json("init", "show", name);
      expect(`${name} ${code}`).toBe(`${name} ${EXIT.ok}`);
      expect(document.sample.verdict?.passes ?? document.sample.refused).toBeTruthy();
    }
  });

  test("refuses an unknown scheme and a wrong option", async () => {
    const unknown = await headstart("init", "show", "he_nromal");
    expect(unknown.code).toBe(EXIT.usage);
    expect(unknown.err).toContain('no scheme is called "he_nromal"; did you mean "he_normal"?');
    expect(unknown.err).toContain('"headstart init list"');
    expect(unknown.err.length).toBeLessThan(220);
    const wrong = await headstart("init", "show", "normal:std=-1");
    expect(wrong.code).toBe(EXIT.usage);
    expect(wrong.err).toContain("std: expected a number that is not negative, got -1");
  });
});

describe("init calc", () => {
  test("works out Glorot's numbers", async () => {
    const { code, document } = await json(
      ...["init", "calc", "glorot_uniform", "--fan-in", "300", "--fan-out", "100"],
    );
    expect(code).toBe(EXIT.ok);
    expect(document.variance).toBeCloseTo(2 / 400, 14);
    expect(document.std).toBeCloseTo(Math.sqrt(2 / 400), 14);
    expect(document.limit).toBeCloseTo(Math.sqrt(6 / 400), 14);
    expect(document.steps).toEqual([
      "fan_in = 300, fan_out = 100",
      "n = fan_avg = (300 + 100) / 2 = 200",
      "variance = scale / n = 1 / 200 = 0.005",
      "std = sqrt(variance) = 0.0707107",
      "limit = sqrt(3 variance) = 0.122474",
      "w ~ U[-0.122474, 0.122474), variance (high - low)^2 / 12 = 0.005",
    ]);
  });

  test("He keeps relu's second moment, Glorot halves it", async () => {
    const handsOn = async (scheme: string) =>
      (await json("init", "calc", scheme, "--fan-in", "64", "--activation", "relu")).document
        .handsOn;
    expect(await handsOn("he_normal")).toBeCloseTo(1, 12);
    expect(await handsOn("glorot_normal")).toBeCloseTo(0.5, 12);
  });

  test("a slope is in the steps, and a normal law has no limit", async () => {
    const { document } = await json("init", "calc", "he_normal:slope=0.5", "--fan-in", "100");
    expect(document.limit).toBeNull();
    expect(document.variance).toBeCloseTo(2 / 1.25 / 100, 14);
    expect(document.steps).toContain("variance = scale / n = 2 / ((1 + 0.5^2) 100) = 0.016");
  });

  test("prints the steps", async () => {
    const { out } = await headstart(
      "init",
      "calc",
      "orthogonal:gain=2",
      "--fan-in",
      "8",
      "--fan-out",
      "4",
    );
    expect(out).toContain("variance = gain^2 / longer side = 0.5");
    expect(out).toMatch(/std +0\.7071/);
  });

  test("a mean that is 0 but for rounding is 0", async () => {
    const { out } = await headstart(
      ...["init", "calc", "truncated_normal:std=0.02", "--fan-in", "100"],
    );
    expect(out).toContain("w ~ N(0, 0.0227369^2)");
  });

  test("points to the help that lists what is missing", async () => {
    const { code, err } = await headstart("init", "calc", "he_normal");
    expect(code).toBe(EXIT.usage);
    expect(err).toContain("see headstart init calc --help");
    expect((await headstart("init", "calc", "--help")).out).toContain("--fan-in");
    expect((await headstart("train", "--epochs")).err).toContain("see headstart train --help");
    expect((await headstart("--nonsense")).err).toContain("see headstart --help");
  });

  test("refuses fans that are none", async () => {
    for (const fan of ["0", "1.5", "x"]) {
      const { code, err } = await headstart("init", "calc", "he_normal", "--fan-in", fan);
      expect(code).toBe(EXIT.usage);
      expect(err).toContain("--fan-in: expected a whole number from 1");
    }
  });
});

describe("init explain", () => {
  test("explains a described network: theory, measurement, verdict and why", async () => {
    const { code, document } = await json(
      ...["init", "explain", "--data", "iris", "--hidden", "16,16", "--init", "lecun_normal"],
    );
    expect(code).toBe(EXIT.ok);
    const [kernel, bias] = document.parameters;
    expect(kernel).toMatchObject({
      ...{ name: "dense/kernel", shape: [4, 16], fanIn: 4, fanOut: 16, scheme: "lecun_normal" },
      why: { by: "user", reason: "asked for; dense itself would take he_normal" },
      verdict: { test: "kolmogorov-smirnov", passes: true },
    });
    expect(kernel.theory.std).toBeCloseTo(0.5, 12);
    expect(kernel.theory.high).toBe("Infinity");
    expect(bias).toMatchObject({ why: { by: "layer" }, verdict: { test: "equality" } });
    expect(document.recommendations[0]).toMatchObject({ scheme: "he_normal", isPresent: false });
    expect(document.findings[0]).toMatchObject({ rule: "activation-scheme-mismatch" });
  });

  test.each(Object.keys(PRESETS))("--init %s is that library's network", async (library) => {
    const { code, document } = await json(
      ...["init", "explain", "--data", "iris", "--hidden", "16", "--init", library],
    );
    expect(code).toBe(EXIT.ok);
    const body = sequential(dense(16, { activation: "relu" }), dense(3));
    const net = await Network.create({ input: [4], body, preset: library as PresetName });
    expect(document.parameters.map(({ scheme }: { scheme: string }) => scheme)).toEqual(
      net.explain().map(({ scheme }) => scheme),
    );
    expect(document.parameters[0].why.by).toBe("preset");
  });

  test("explains a saved network, and says when its values are no draw any more", async () => {
    const { code, out, err } = await headstart("init", "explain", model);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("dense_1/kernel");
    expect(out).toMatch(/dense\/bias .* no/);
    expect(err).toContain("after training, values are no longer a draw of their scheme");
  });

  test("a file that is no model is a data error", async () => {
    const { code } = await headstart("init", "explain", path.join(folder, "none.safetensors"));
    expect(code).toBe(EXIT.data);
  });

  test("a file of tensors without a network says how they are loaded", async () => {
    const file = path.join(folder, "f32.safetensors");
    const data = Float32Array.of(1, 2);
    fs.writeFileSync(file, writeSafetensors([["w", { shape: [2], data }]]));
    const { code, err } = await headstart("init", "explain", file);
    expect(code).toBe(EXIT.data);
    expect(err).toContain("loadWeights");
    expect(err).not.toContain("setWeights");
  });

  test("a file and a description are one too many", async () => {
    const { code, err } = await headstart("init", "explain", model, "--hidden", "8");
    expect(code).toBe(EXIT.usage);
    expect(err).toContain("leave --hidden out, or the file");
  });
});

describe("init lint", () => {
  const wrong = ["--data", "iris", "--hidden", "9,9,9,9,9,9,9", "--init", "glorot_uniform"];

  test("exits with 1 and names rule, parameter and remedy", async () => {
    const { code, document, err } = await json("init", "lint", ...wrong);
    expect(code).toBe(1);
    expect(err).toBe("");
    expect(document.error).toBeUndefined();
    expect(document.findings[0]).toMatchObject({
      rule: "framework-default-deep-relu",
      parameter: "dense_1/kernel",
      mend: "use he_normal",
    });
    expect(Object.keys(document.rules)).toContain("framework-default-deep-relu");
    const { out } = await headstart("init", "lint", ...wrong);
    expect(out).toContain("framework-default-deep-relu");
    expect(out).toMatch(/and \d+ more/);
  });

  test("judges a library's network as the library begins it", async () => {
    const deep = ["--data", "iris", "--hidden", "64,64,64,64,64,64,64,64,64"];
    const { code, document } = await json("init", "lint", ...deep, "--init", "torch");
    expect(code).toBe(1);
    expect(document.findings[0].message).toContain("torch_default");
  });

  test("exits with 0 when there is nothing to find, in a description and in a file", async () => {
    for (const argv of [["--data", "iris", "--hidden", "9,9"], [model]]) {
      const { code, document } = await json("init", "lint", ...argv);
      expect(code).toBe(0);
      expect(document).toMatchObject({ command: "init lint", findings: [] });
    }
    expect((await headstart("init", "lint", model)).out).toContain("no findings");
  });
});

test("every subcommand's help has examples", async () => {
  for (const name of ["list", "show", "calc", "explain", "lint"]) {
    const { code, out } = await headstart("init", name, "--help");
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(`Examples:\n  headstart init ${name}`);
  }
});

describe("a histogram", () => {
  test("counts every value once and is centred on 0 when the values are", () => {
    const { low, high, counts } = histogramOf(Float32Array.from([-1, -0.9, 0, 0, 0.8, 0.9]));
    expect([low, high]).toEqual([-1, 1]);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(6);
    expect(counts[10]).toBe(2);
  });

  test("of one value is one bar; bars are as long as the width allows", () => {
    expect(histogramOf(new Float32Array(5).fill(3))).toEqual({ low: 3, high: 3, counts: [5] });
    expect(bars({ low: 0, high: 2, counts: [4, 1] }, 8)).toEqual([
      "       0.5 ████████ 4",
      "       1.5 ██ 1",
    ]);
  });
});
