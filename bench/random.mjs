import { cores, race } from "./support.mjs";

const SIZE = 1024;

export async function suite() {
  const variants = await cores();
  const n = SIZE * SIZE;
  const y = new Float32Array(n);
  const boxMuller = () => {
    for (let i = 0; i < n; i++) {
      y[i] = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    }
  };
  const uniform = () => {
    for (let i = 0; i < n; i++) y[i] = Math.random();
  };
  const fills = {
    randomUniform: [uniform, (k, at) => k.randomUniform(at, n, 0, 1, 1, 2, 0, 0, 1)],
    randomNormal: [boxMuller, (k, at) => k.randomNormal(at, n, 0, 1, 1, 2, 0, 0, 1)],
    randomTruncatedNormal: [
      boxMuller,
      (k, at) => k.randomTruncatedNormal(at, n, 0, 1, -2, 2, 1, 2, 0, 0, 1),
    ],
  };
  for (const [name, [plain, fill]] of Object.entries(fills)) {
    const tasks = [{ name: "Math.random", work: n, run: plain }];
    for (const { kernels, arena, variant } of variants) {
      const at = arena.allocate(n * 4);
      tasks.push({ name: variant, work: n, run: () => fill(kernels, at) });
    }
    await race(`${name}, n = ${n}`, "G elem/s", 1e9, tasks);
  }
}
