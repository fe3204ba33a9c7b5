import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { beforeAll, expect, test } from "vitest";
import * as headstart from "../../src/index.ts";
import { NOT_HERE, PRETRAINED, PROCEDURES } from "../../src/init/beyond.ts";
import { POLICIES, SCHEMES } from "../../src/init/index.ts";

const PAGE = "docs/initializers.md";
const check = () =>
  spawnSync(process.execPath, ["scripts/make-initializers-doc.mjs", "--check"], {
    encoding: "utf8",
  });

beforeAll(() => {
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  expect(status).toBe(0);
}, 180_000);

test("the page is what the registry gives", () => {
  const { status, stderr } = check();
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("the page has a section for every scheme, with its aliases and defaults", () => {
  const page = fs.readFileSync(PAGE, "utf8");
  for (const { name, aliases, defaults } of SCHEMES) {
    const section = page.split(`### ${name}\n`)[1]?.split("### ")[0] ?? "";
    for (const alias of aliases) expect(section).toContain(`\`${alias}\``);
    for (const key of Object.keys(defaults)) expect(section).toContain(`\`${key}=`);
    for (const row of [
      "Formula",
      "Also called",
      "Options",
      "For",
      "Fans",
      "Use",
      "Source",
      "Tested",
    ]) {
      expect(section).toMatch(new RegExp(`\\| ${row} \\| \\S`));
    }
  }
});

test("the page has what each scheme is for and the fans that it reads", () => {
  const rowOf = (name: string, row: string) =>
    fs
      .readFileSync(PAGE, "utf8")
      .split(`### ${name}\n`)[1]
      ?.split(`| ${row} | `)[1]
      ?.split(" |")[0];
  expect(rowOf("he_normal", "Fans")).toBe("those that `mode` names; by default fan_in");
  expect(rowOf("torch_default", "Fans")).toBe("fan_in");
  expect(rowOf("small_init", "Fans")).toBe("fan_in, fan_out");
  expect(rowOf("embedding_normal", "Fans")).toBe("fan_out");
  expect(rowOf("normal", "Fans")).toBe("none");
  expect(rowOf("laplace", "Fans")).toBe("those that `mode` names; none by default");
  expect(rowOf("np_rnn", "For")).toBe("square maps");
});

test("the page has policies, procedures, pretrained weights, and what is not there", () => {
  const page = fs.readFileSync(PAGE, "utf8");
  for (const { name } of [...POLICIES, ...PROCEDURES, ...PRETRAINED]) {
    expect(page).toMatch(new RegExp(`### ${name}\n[^#]*\\| Tested \\| \\S`));
  }
  const missing = page.split("## What is not here and why")[1]?.split("\n## ")[0] ?? "";
  expect(missing.match(/^\| /gm)).toHaveLength(NOT_HERE.length + 1);
});

test("every procedure and every function for pretrained weights is exported by that name", () => {
  const exported: Readonly<Record<string, unknown>> = headstart;
  for (const { name } of [...PROCEDURES, ...PRETRAINED]) {
    expect([name, typeof exported[name]]).toEqual([name, "function"]);
  }
});
