import * as fs from "node:fs";
import { expect, test } from "vitest";

/** Functions with their parameters' names, from asc's own declarations. */
function exported(variant: string): Map<string, string[]> {
  const text = fs.readFileSync(`.cache/asc/${variant}.d.ts`, "utf8");
  return new Map(
    [...text.matchAll(/export function (\w+)\(([^)]*)\)/g)].map(([, name, parameters]) => [
      name!,
      [...parameters!.matchAll(/(\w+)\s*:/g)].map((match) => match[1]!),
    ]),
  );
}

/** The micro-kernels are exported so that they stay functions, not to be called by hosts. */
const isMicrokernel = (name: string) => /^(columns|rows)\d/.test(name);

test("every variant exports the same functions", () => {
  expect(exported("relaxed")).toEqual(exported("simd"));
  expect(exported("debug")).toEqual(exported("simd"));
});

test("every exported kernel has its contract in docs/kernels.md", () => {
  const text = fs.readFileSync("docs/kernels.md", "utf8");
  const names = [...exported("simd").keys()].filter((name) => !isMicrokernel(name));
  expect(names.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
});
