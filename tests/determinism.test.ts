import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { node24 } from "./support/node24.ts";

/**
 * Golden bits: SHA-256 (128 bits of it) of the weights that tests/support/mini-run.mjs prints. They depend on every kernel it
 * uses and on nothing else; a change that moves them changes every user's results and needs a new version.
 */
const GOLDEN = {
  "deep initial": "8006e871bd52b975cdcb8b1cd3b32f38",
  "deep trained": "ec6e4b97ddb355869d336956a1f15f9c",
  "shallow initial": "9c0078c2c0153c7cf7b2ff403d14a468",
  "shallow trained": "04e02aabc17e0d2a01e682717b764fcf",
};

const run = (node: string) =>
  JSON.parse(execFileSync(node, ["tests/support/mini-run.mjs"], { encoding: "utf8" }));

test(`node ${process.version} trains to the golden bits, twice`, () => {
  expect(run(process.execPath)).toEqual(GOLDEN);
  expect(run(process.execPath)).toEqual(GOLDEN);
});

const other = node24();

test.skipIf(other.path === undefined)("Node 24 trains to the same bits", () => {
  expect(execFileSync(other.path!, ["--version"], { encoding: "utf8" })).toMatch(/^v24/);
  expect(run(other.path!)).toEqual(GOLDEN);
});
