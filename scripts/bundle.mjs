// Joins the modules of `dist` into a few files in `dist/node`, which Node loads in half the time: it is opening a hundred modules
// that takes it 50 ms. Browsers' bundlers get the modules themselves, of which they drop what is not used.
//
// Every file lies one folder deep. Binaries and data sets stay where they are, and are loaded from there when they are needed.

import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const { exports } = JSON.parse(fs.readFileSync(path.join(dist, "../package.json"), "utf8"));
/** What the package exports, under the name that it has for Node, and the program. */
const ENTRIES = {
  "cli/main": "cli/main.js",
  ...Object.fromEntries(
    Object.values(exports)
      .filter((target) => target.node !== undefined)
      .map(({ node, default: plain }) => [
        path.relative("dist/node", node).replace(/\.js$/, ""),
        path.relative("dist", plain),
      ]),
  ),
};
/** A worker is found by its address, so it is a file of its own. */
const WORKER = /new URL\("(\.[^"]+\.js)", import\.meta\.url\)/g;

const bundle = await rolldown({
  input: Object.fromEntries(
    Object.entries({ ...ENTRIES, ...workers() }).map(([name, file]) => [
      name,
      path.join(dist, file),
    ]),
  ),
  platform: "node",
  external: [/^node:/, /^[^./]/, /[\\/]core[\\/]wasm[\\/]/, /[\\/]data[\\/]sets[\\/]/],
  plugins: [
    {
      name: "workers",
      transform: (code, file) =>
        code.replace(WORKER, (_, to) => `new URL("../${inDist(file, to)}", import.meta.url)`),
      // What stays outside is written as seen from dist/node, whatever folder the chunk lies in.
      renderChunk: (code) =>
        code.replace(/import\("\.\.\/(core\/wasm|data\/sets)\//g, 'import("../../$1/'),
    },
  ],
});
await bundle.write({
  dir: path.join(dist, "node"),
  format: "esm",
  chunkFileNames: "chunks/[name]-[hash].js",
});

function workers() {
  const found = {};
  for (const file of fs.readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".js") || file.startsWith(`node${path.sep}`)) continue;
    const code = fs.readFileSync(path.join(dist, file), "utf8");
    for (const [, to] of code.matchAll(WORKER)) {
      const target = inDist(path.join(dist, file), to);
      found[target.replace(/\.js$/, "")] = target;
    }
  }
  return found;
}

/** Where in `dist` the module at `file` finds `to`. */
function inDist(file, to) {
  return path.relative(dist, path.resolve(path.dirname(file), to)).replaceAll("\\", "/");
}
