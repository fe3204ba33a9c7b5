#!/usr/bin/env node
// In a clone the build is brought up to date first; an installed package has no build script and is complete.
import { existsSync } from "node:fs";
import * as module from "node:module";

const script = new URL("../scripts/build.mjs", import.meta.url);
if (existsSync(script)) {
  const { build } = await import(script.href);
  build();
}
// Node 22.8 and later keep the compiled code of one start for the next.
module.enableCompileCache?.();
await import("../dist/node/cli/main.js");
