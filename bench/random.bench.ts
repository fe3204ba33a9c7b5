import { compare, cores, SIZES, vectors } from "./support.ts";

/** Random fills; `init` has those of whole matrices beside PyTorch's. */
export async function suite(): Promise<void> {
  const loaded = (await cores()).map((core) => ({ core, at: vectors(core) }));
  for (const n of SIZES) {
    const plain = new Float32Array(n);
    const uniform = () => {
      for (let i = 0; i < n; i++) plain[i] = Math.random();
    };
    const each = (run: (kernels: Kernels, at: (typeof loaded)[0]["at"]) => void) =>
      loaded.map(({ core, at }): [string, () => void] => [
        core.variant,
        () => run(core.kernels, at),
      ]);
    const all: readonly (readonly [string, (k: Kernels, at: (typeof loaded)[0]["at"]) => void])[] =
      [
        ["randomUniform", (k, [y]) => k.randomUniform(y, n, -1, 1, 1, 2, 0, 0, 1)],
        ["randomNormal", (k, [y]) => k.randomNormal(y, n, 0, 1, 1, 2, 0, 0, 1)],
        [
          "randomTruncatedNormal, 2 std",
          (k, [y]) => k.randomTruncatedNormal(y, n, 0, 1, -2, 2, 1, 2, 0, 0, 1),
        ],
        [
          "randomTruncatedNormal, a tail",
          (k, [y]) => k.randomTruncatedNormal(y, n, 0, 1, 2, 9, 1, 2, 0, 0, 1),
        ],
        ["randomBernoulli", (k, [y]) => k.randomBernoulli(y, n, 0.3, 1, 2, 0, 0, 1)],
        ["dropout", (k, [y, x]) => k.dropout(y, x, n, 0.3, 1, 2, 0, 0, 0, 1)],
        ["permutation", (k, [y]) => k.permutation(y, n, 1, 2, 0, 0, 1)],
      ];
    for (const [name, run] of all) {
      const baseline = name === "randomUniform" ? [["plain JS", uniform] as const] : [];
      compare(name, n, [...baseline, ...each(run)]);
    }
  }
}

type Kernels = Awaited<ReturnType<typeof cores>>[number]["kernels"];
