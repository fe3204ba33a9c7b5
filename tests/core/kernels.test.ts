import * as fs from "node:fs";
import { expect, test } from "vitest";

/** Functions with their parameters' names, from asc's own declarations. */
function exported(variant: string): Map<string, string[]> {
  const text = fs.readFileSync(`.cache/asc/${variant}.d.ts`, "utf8");
  return parse([...text.matchAll(/export function (\w+)\(([^)]*)\)/g)]);
}

function parse(matches: RegExpMatchArray[]): Map<string, string[]> {
  return new Map(
    matches.map(([, name, parameters]) => [
      name!,
      [...parameters!.matchAll(/(\w+)\s*:/g)].map((match) => match[1]!),
    ]),
  );
}

/** The micro-kernels are exported so that they stay functions, not to be called by hosts. */
const isMicrokernel = (name: string) => /^(columns|rows)\d?$/.test(name);

test("the Kernels interface and the binary name the same functions with the same parameters in the same order", () => {
  const source = fs.readFileSync("src/core/kernels.ts", "utf8");
  const body = source.slice(source.indexOf("export interface Kernels"));
  const declared = parse([...body.matchAll(/^\s{2}(\w+)\(([^)]*)\):/gm)]);
  const actual = [...exported("simd")].filter(([name]) => !isMicrokernel(name));
  expect(Object.fromEntries(declared)).toEqual(Object.fromEntries(actual));
});

test("every variant exports the same functions", () => {
  expect(exported("relaxed")).toEqual(exported("simd"));
  expect(exported("debug")).toEqual(exported("simd"));
});

test("every exported kernel has its contract in docs/kernels.md", () => {
  const text = fs.readFileSync("docs/kernels.md", "utf8");
  const names = [...exported("simd").keys()].filter((name) => !isMicrokernel(name));
  expect(names.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
});
