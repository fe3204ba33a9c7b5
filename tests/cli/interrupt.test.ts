import { afterEach, expect, test, vi } from "vitest";
import { onInterrupt } from "../../src/cli/interrupt.ts";
import { Output } from "../../src/cli/output.ts";
import { Progress } from "../../src/cli/progress.ts";
import { capture } from "../support/streams.ts";

afterEach(() => vi.restoreAllMocks());

test("the first Ctrl-C aborts, the second quits with 130, and after release neither does anything", () => {
  const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
  const streams = capture();
  const output = new Output(streams);
  const interrupt = onInterrupt(output, new Progress(output), "the batch under way is the last");
  const before = process.listenerCount("SIGINT");
  expect(interrupt.signal.aborted).toBe(false);
  process.emit("SIGINT");
  expect(interrupt.signal.aborted).toBe(true);
  expect(exit).not.toHaveBeenCalled();
  expect(streams.err.text).toBe(
    "stopping: the batch under way is the last; Ctrl-C again quits at once\n",
  );
  process.emit("SIGINT");
  expect(exit).toHaveBeenCalledWith(130);
  interrupt.release();
  expect(process.listenerCount("SIGINT")).toBe(before - 1);
});
