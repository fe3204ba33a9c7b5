import { expect } from "vitest";
import type { Core } from "../../src/core/core.ts";

/** Waits until all threads of a core are there: they start in the background. */
export async function everybody({ team, threads }: Pick<Core, "team" | "threads">): Promise<void> {
  team?.gather();
  const began = performance.now();
  while (threads.present < threads.count) {
    expect(performance.now() - began, "helpers come within 10 s").toBeLessThan(10_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
    team?.gather();
  }
}
