// Measures the same work through headstart and its peers, side by side: `npm run peers -- --workloads w2,w3 --json`.
//
// For each case every peer gets a process of its own. All do the fixed number of steps first, and their results are compared: a
// peer whose result differs is not timed. Then they are timed in turn, one at a time while the others wait for input, round after
// round; the median counts. What cannot be done says so.

import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import * as os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "../../scripts/build.mjs";
import { BASELINE, commandOf, PEERS } from "./peers.mjs";
import { writeProblem } from "./problem.mjs";
import { toText } from "./report.mjs";

const HELP = `npm run peers -- [options]
  --workloads w1,w2      of ${workloadIds().join(", ")}; default: all
  --cases sgd,256        of each workload; default: all
  --peers tfjs,jax-js    of ${PEERS.map(({ id }) => id).join(", ")}; default: all
  --node <path>          the Node that all JavaScript peers run on; default: this one
  --python <path>        default: /usr/bin/python3, where Debian's python3-torch is
  --rounds <n>           samples of each peer; default 7
  --json                 print one JSON document on stdout, and the tables on stderr`;

/** A peer that says nothing for so long is given up. */
const PATIENCE_SECONDS = 180;

const { values: flags } = parseArgs({
  options: {
    workloads: { type: "string" },
    cases: { type: "string" },
    peers: { type: "string" },
    node: { type: "string", default: process.execPath },
    python: { type: "string", default: "/usr/bin/python3" },
    rounds: { type: "string", default: "7" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) {
  console.log(HELP);
  process.exit();
}
const rounds = Number(flags.rounds);
if (!(Number.isInteger(rounds) && rounds > 0))
  fail(`--rounds: expected a whole number of at least 1, got ${flags.rounds}`);
const workloads = chosen("--workloads", flags.workloads, workloadIds());
const peerIds = chosen(
  "--peers",
  flags.peers,
  PEERS.map(({ id }) => id),
);
const peers = PEERS.filter(({ id }) => peerIds.includes(id));

build();
const engine = engineOf(flags.node);
const print = (text) => (flags.json ? console.error(text) : console.log(text));
const result = {
  machine: machineOf(),
  node: engine.version,
  rounds,
  versions: versionsOf(),
  facts: {},
  cases: [],
};
print(`${result.machine.cpu}, ${result.machine.cores} cores, ${engine.version}, ${rounds} rounds`);
for (const id of workloads) {
  const { workload } = await import(`./workloads/${id}.mjs`);
  const cases = workload.cases.filter(
    (c) => flags.cases === undefined || flags.cases.split(",").includes(c.id),
  );
  for (const one of cases) {
    const measured = await (workload.start ? measureStart : measure)(id, workload, one);
    result.cases.push(measured);
    print(`\n${toText(measured)}`);
  }
}
if (result.facts.torch) print(`\nPyTorch: ${JSON.stringify(result.facts.torch)}`);
if (flags.json) console.log(JSON.stringify(result, null, 2));
process.exitCode = result.cases.some(({ rows }) => rows.some(({ error }) => error)) ? 1 : 0;

async function measure(id, workload, one) {
  const folder = folderOf(id, one);
  const hosts = [];
  for (const peer of peers) {
    const host = {
      peer,
      ...start(peer, { workload: id, program: workload.torch, folder, start: false }),
      samples: [],
    };
    host.first = await host.ask("check");
    await host.ask("time"); // the end of its warm-up, so that it is at rest when the next one begins
    hosts.push(host);
  }
  compare(hosts, workload.agreement, one);
  for (let round = 0; round < rounds; round++) {
    for (const host of hosts) {
      if (host.first.value === undefined || host.error) continue;
      const { iterations, seconds, error } = await host.ask("time");
      if (error) host.error = error;
      else host.samples.push(seconds / iterations);
    }
  }
  for (const host of hosts) host.end();
  return caseOf(id, workload, one, hosts);
}

/** Milliseconds from before the process is spawned to its word that the first step is done. */
async function measureStart(id, workload, one) {
  const folder = folderOf(id, one);
  const hosts = peers.map((peer) => ({ peer, samples: [], first: { facts: {} } }));
  for (let round = 0; round < rounds; round++) {
    for (const host of hosts) {
      if (host.first.unable || host.error) continue;
      const begin = performance.now();
      const process = start(host.peer, {
        workload: "w4",
        program: workload.torch,
        folder,
        start: true,
      });
      const reply = await process.next();
      const seconds = (performance.now() - begin) / 1000;
      process.end();
      if (reply.started) host.samples.push(seconds);
      else if (reply.unable) host.first = reply;
      else host.error = reply.error;
    }
  }
  return caseOf(id, workload, one, hosts);
}

function folderOf(id, { id: caseId, settings, tensors }) {
  const folder = fileURLToPath(new URL(`../../.cache/peers/${id}-${caseId}`, import.meta.url));
  writeProblem(folder, settings, tensors());
  return folder;
}

/** Marks whoever's result is not that of the others: the reference is what theory expects, or the median. */
function compare(hosts, { what, relative }, { expected }) {
  const able = hosts.filter(({ first }) => first.value !== undefined && !first.differs);
  const reference = expected ?? median(able.map(({ first }) => first.value));
  for (const host of able) {
    const { value } = host.first;
    if (Math.abs(value - reference) <= relative * Math.abs(reference)) continue;
    host.error = `${what}: ${value}, expected ${reference}`;
  }
  for (const { peer, first } of hosts) {
    if (peer.library === "torch" && first.facts?.blas) {
      result.facts.torch ??= { version: first.facts.torch };
      result.facts.torch[peer.id] = `${first.facts.blas}, ${first.facts.threads} threads`;
    }
  }
}

/** The measured rows; speeds are work a second (ms: the time itself), `ratio` is how many times as fast as the baseline a peer is. */
function caseOf(id, { title, unit, agreement }, { id: caseId, name, work }, hosts) {
  const isTime = unit === "ms";
  const seconds = ({ samples }) => (samples.length === 0 ? undefined : median(samples));
  const base = seconds(
    hosts.find(({ peer, samples }) => peer.id === BASELINE && samples.length > 0) ??
      hosts.find(({ samples }) => samples.length > 0) ?? { samples: [] },
  );
  const inUnit = (s) => (isTime ? s * 1000 : work / s);
  const rows = hosts.map((host) => {
    const { peer, first, samples } = host;
    const error = host.error ?? first.error;
    const note = first.unable ?? first.differs ?? error;
    const row = {
      peer: peer.id,
      name: peer.name,
      ...(note ? { note } : {}),
      ...(first.differs ? { differs: true } : {}),
      ...(error ? { error: true } : {}),
    };
    if (samples.length === 0 || error) return row;
    const all = samples.map(inUnit).sort((a, b) => a - b);
    return {
      ...row,
      median: inUnit(median(samples)),
      low: all[0],
      high: all.at(-1),
      ratio: base / median(samples),
      ...(Number.isFinite(first.value) ? { check: first.value } : {}),
    };
  });
  return { workload: id, case: caseId, title, name, unit, check: agreement.what, rows };
}

/** A peer's process: `ask` sends a line and waits for the reply, `next` only waits. */
function start(peer, task) {
  const { program, args, env } = commandOf(peer, task, {
    node: flags.node,
    nodeMajor: engine.major,
    python: flags.python,
  });
  const child = spawn(program, args, { env, stdio: ["pipe", "ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(-2000);
  });
  const replies = [];
  const waiting = [];
  const deliver = (reply) => (waiting.length > 0 ? waiting.shift()(reply) : replies.push(reply));
  let ended;
  let buffered = "";
  child.stdio[3].on("data", (chunk) => {
    buffered += chunk;
    for (let end = buffered.indexOf("\n"); end >= 0; end = buffered.indexOf("\n")) {
      deliver(JSON.parse(buffered.slice(0, end)));
      buffered = buffered.slice(end + 1);
    }
  });
  child.stdin.on("error", () => {}); // it has ended, and `ended` says how
  const finish = (message) => {
    ended ??=
      message.code === "ENOENT"
        ? { unable: `there is no ${program}` }
        : { error: `${peer.name} ended: ${message.message ?? message} ${errors}` };
    for (const resolve of waiting.splice(0)) resolve(ended);
  };
  child.on("error", finish);
  child.on("close", (code) => finish(`exit code ${code}`));
  const next = () =>
    new Promise((resolve) => {
      if (replies.length > 0) return resolve(replies.shift());
      if (ended) return resolve(ended);
      const timer = setTimeout(
        () => finish(`no word for ${PATIENCE_SECONDS} s`),
        PATIENCE_SECONDS * 1000,
      );
      waiting.push((reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
    });
  return {
    next,
    ask: (line) => {
      if (!ended) child.stdin.write(`${line}\n`);
      return next();
    },
    end: () => child.kill("SIGKILL"),
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function workloadIds() {
  return readdirSync(new URL("./workloads", import.meta.url))
    .filter((file) => file.endsWith(".mjs"))
    .map((file) => file.slice(0, -".mjs".length))
    .sort();
}

function chosen(flag, text, known) {
  const names = text?.split(",") ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    fail(`${flag}: there is no "${unknown}"; there are ${known.join(", ")}`);
  return names;
}

function engineOf(node) {
  const { stdout, status } = spawnSync(node, ["--version"], { encoding: "utf8" });
  if (status !== 0) fail(`--node: "${node}" does not run`);
  const version = `Node ${stdout.trim().slice(1)}`;
  return { version, major: Number(/\d+/.exec(version)[0]) };
}

function machineOf() {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown CPU",
    cores: os.availableParallelism(),
    load: os.loadavg()[0],
  };
}

function versionsOf() {
  const manifest = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8"));
  return manifest.dependencies;
}

function fail(message) {
  console.error(`peers: ${message}`);
  process.exit(2);
}
