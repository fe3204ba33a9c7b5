#!/usr/bin/env node
// In a clone the build is brought up to date first; an installed package has no build script and is complete.
import { existsSync } from "node:fs";

const script = new URL("../scripts/build.mjs", import.meta.url);
if (existsSync(script)) {
  const { build } = await import(script.href);
  build();
}
await import("../dist/cli/main.js");
