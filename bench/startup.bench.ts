import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Milliseconds from the start of a process to its end: Node alone, the command line, and the first training step of a small network. */
const REPEATS = 15;

const root = fileURLToPath(new URL("../../", import.meta.url));
const FIRST_STEP = `
import { dense, meanSquaredError, Network, sequential, sgd } from "headstart";
const f = { activation: "tanh" };
const body = sequential(dense(16, f), dense(16, f), dense(1));
const net = await Network.create({ input: [2], body, loss: meanSquaredError(), optimizer: sgd() });
net.trainStep(new Float32Array(64), new Float32Array(32));
`;

const PROCESSES: Readonly<Record<string, readonly string[]>> = {
  "node alone": ["-e", "0"],
  "headstart --version": ["bin/headstart.js", "--version"],
  "headstart train --help": ["bin/headstart.js", "train", "--help"],
  "import, create, first step": ["--input-type=module", "-e", FIRST_STEP],
};

export async function suite(): Promise<void> {
  const times = new Map(Object.keys(PROCESSES).map((name) => [name, [] as number[]]));
  for (let i = 0; i <= REPEATS; i++) {
    for (const [name, args] of Object.entries(PROCESSES)) {
      const begin = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      if (i > 0) times.get(name)!.push(performance.now() - begin); // the first fills the disk's cache
    }
  }
  for (const [name, all] of times) {
    const sorted = all.sort((a, b) => a - b);
    const [low, middle] = [sorted[0]!, sorted[REPEATS >> 1]!];
    console.log(
      `${name.padEnd(38)} ms         median ${middle.toFixed(0)}, least ${low.toFixed(0)}`,
    );
  }
}
