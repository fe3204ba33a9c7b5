import { defineConfig } from "vitest/config";

// Node 20 has relaxed SIMD behind a flag; later versions have it on and no longer know the flag.
const major = Number(process.versions.node.split(".")[0]);

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    pool: "forks",
    execArgv: major < 22 ? ["--experimental-wasm-relaxed-simd"] : [],
    testTimeout: 60_000,
  },
});
