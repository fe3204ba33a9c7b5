/** Milliseconds of processor time that `work` takes: other programs on the machine do not count. Vitest gives a file a process of its own. */
export function cpuMilliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
