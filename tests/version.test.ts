import * as fs from "node:fs";
import { expect, test } from "vitest";
import { version } from "../src/version.ts";

test("the version in the source is the package's", () => {
  expect(version).toBe(JSON.parse(fs.readFileSync("package.json", "utf8")).version);
});
