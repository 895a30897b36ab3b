/** Processor time of this process so far, user and system (getrusage(2)), ns. */
export function ownCpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}
