import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import type { Browser } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (file) => fs.existsSync(file),
);

/** Trains a small network and gives its weights' bits, in whatever runs it: Node, a page, a worker. */
const TRAIN = `
async function train(root, threads) {
  const { Network, sequential, dense, dropout, adam } = await import(root);
  const next = (seed) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const draw = next(1);
  const inputs = Float32Array.from({ length: 64 * 101 }, draw);
  const labels = Int32Array.from({ length: 64 }, () => Math.floor((draw() + 0.5) * 10));
  const net = await Network.create({
    variant: "simd", threads, seed: 3, input: [101],
    body: sequential(dense(150, { activation: "tanh" }), dropout(0.2), dense(83, { activation: "gelu" }), dense(10)),
    optimizer: adam({ clipNorm: 1 }),
  });
  const { count, reason } = net.core.threads;
  const end = performance.now() + 5000;
  while (net.core.threads.present < count && performance.now() < end) {
    net.core.team?.gather();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const present = net.core.threads.present;
  for (let step = 0; step < 10; step++) net.trainStep(inputs, labels);
  const bits = net.parameters.map(({ name }) => [...new Uint32Array(net.weights(name).slice().buffer)]);
  let hash = 0;
  for (const word of bits.flat()) hash = (Math.imul(hash, 31) + word) >>> 0;
  return { hash, count, present, reason: reason ?? null };
}`;

const WORKER = `${TRAIN}
onmessage = async ({ data }) => postMessage(await train("/dist/index.js", data));`;

interface Outcome {
  readonly hash: number;
  readonly count: number;
  readonly present: number;
  readonly reason: string | null;
}

/** Where the packed package is unpacked, as npm would install it. */
let unpacked = "";

/** The package as a static server gives it; bare imports are resolved as a bundler would, since workers have no import maps. */
const server = http.createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  const isolated = url.port === "" && request.headers.host?.startsWith("localhost");
  const headers: Record<string, string> = isolated
    ? {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
      }
    : {};
  const send = (type: string, body: string) =>
    response.writeHead(200, { ...headers, "Content-Type": type }).end(body);
  if (url.pathname === "/") return send("text/html", "<!doctype html><title>test</title>");
  if (url.pathname === "/worker.js") return send("text/javascript", WORKER);
  const name = path.normalize(url.pathname).slice(1);
  const file = path.join(name.startsWith("dist/") ? unpacked : ".", name);
  if (!/^(dist|node_modules)\//.test(name) || !fs.existsSync(file)) {
    return response.writeHead(404, headers).end();
  }
  const text = fs
    .readFileSync(file, "utf8")
    .replace(/(from |import\()"([^./"][^"]*)"/g, (_, how, name) => {
      return `${how}"${RESOLVED[name] ?? `/unknown/${name}`}"`;
    });
  return send("text/javascript", text);
});

const RESOLVED: Readonly<Record<string, string>> = {
  "@assemblyscript/loader": "/node_modules/@assemblyscript/loader/index.js",
  "csv-parse/browser/esm/sync": "/node_modules/csv-parse/dist/esm/sync.js",
  fflate: "/node_modules/fflate/esm/browser.js",
};

describe.skipIf(CHROMIUM === undefined)("in Chromium (skipped where there is none)", () => {
  let browser: Browser;
  let port: number;
  let node: number;

  beforeAll(async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headstart-"));
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const [{ filename }] = JSON.parse(execFileSync("npm", pack, { encoding: "utf8" }));
    execFileSync("tar", ["-xzf", filename], { cwd: folder });
    unpacked = path.join(folder, "package");
    await new Promise<void>((resolve) => server.listen(0, resolve));
    port = (server.address() as AddressInfo).port;
    const script = `${TRAIN}\nconsole.log(JSON.stringify(await train("headstart", 1)));`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    node = (JSON.parse(output) as Outcome).hash;
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
  }, 30_000);

  afterAll(async () => {
    await browser?.close();
    server.close();
    if (unpacked !== "") fs.rmSync(path.dirname(unpacked), { recursive: true });
  });

  /** `localhost` is served with the headers of isolation, `127.0.0.1` without. */
  async function inPage(
    isolated: boolean,
    where: "page" | "worker",
    threads: number,
  ): Promise<Outcome> {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`http://${isolated ? "localhost" : "127.0.0.1"}:${port}/`);
    const code =
      where === "page"
        ? `(async () => { ${TRAIN}; return train("/dist/index.js", ${threads}); })()`
        : `new Promise((resolve, reject) => {
            const worker = new Worker("/worker.js", { type: "module" });
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = (event) => reject(new Error(event.message ?? "the worker's script failed"));
            worker.postMessage(${threads});
          })`;
    const outcome = (await page.evaluate(code)) as Outcome;
    expect(errors).toEqual([]);
    await page.close();
    return outcome;
  }

  test("an isolated page's worker trains with two threads to the bits of Node", async () => {
    expect(await inPage(true, "worker", 1)).toMatchObject({ hash: node, count: 1, present: 1 });
    expect(await inPage(true, "worker", 2)).toEqual({
      hash: node,
      count: 2,
      present: 2,
      reason: null,
    });
  });

  test("a page's main thread has one, and says that it may not wait", async () => {
    const outcome = await inPage(true, "page", 2);
    expect(outcome).toMatchObject({ hash: node, count: 1 });
    expect(outcome.reason).toMatch(/main thread may not wait/);
  });

  test.each(["page", "worker"] as const)(
    "without isolation a %s has one thread, and says which headers are missing",
    async (where) => {
      const outcome = await inPage(false, where, 2);
      expect(outcome).toMatchObject({ hash: node, count: 1 });
      expect(outcome.reason).toMatch(/Cross-Origin-Embedder-Policy: require-corp/);
    },
  );
});
