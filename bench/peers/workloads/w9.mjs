import { workload as w4 } from "./w4.mjs";

/** The process is the work: from its start to the end of its first step of W4. */
export const workload = {
  ...w4,
  title: "process start to the first step of W4",
  unit: "ms",
  start: true,
};
