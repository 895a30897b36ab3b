/** Numbers of the CPUs that are online, and of those that can come online later. The numbers can have gaps. */
import { readFileSync } from "node:fs";

export const POSSIBLE_CPUS = "/sys/devices/system/cpu/possible";

/** Number of possible CPUs to assume if /sys does not list them and fewer are online. */
const MIN_GUESS = 64;

function readText(path: string): string {
  return readFileSync(path, "latin1");
}

/** Numbers in the kernel's notation for lists of CPUs, such as `0-3,8`. */
export function parseCpuList(text: string): number[] {
  const cpus: number[] = [];
  for (const range of text.trim().split(",")) {
    const [first, last = first] = range.split("-");
    if (first === undefined || first === "") continue;
    for (let cpu = Number(first); cpu <= Number(last); cpu++) cpus.push(cpu);
  }
  return cpus;
}

/**
 * CPUs that may come online while this kernel runs, in ascending order.
 * @param read returns the text of a file; throws if the file cannot be read
 */
export function possibleCpus(read = readText): number[] {
  try {
    const cpus = parseCpuList(read(POSSIBLE_CPUS));
    if (cpus.length > 0) return cpus;
  } catch {
    // /sys may be hidden.
  }
  const count = Math.max(MIN_GUESS, 2 ** Math.ceil(Math.log2(Math.max(0, ...cpusInStat(read)) + 1)));
  return [...Array(count).keys()];
}

/** CPUs that are online, in ascending order; empty if /sys is not mounted. */
export function onlineCpus(read = readText): number[] {
  try {
    return parseCpuList(read("/sys/devices/system/cpu/online"));
  } catch {
    return [];
  }
}

/** Number of CPUs that are online, at least 1. It is also known if /sys is hidden. */
export function onlineCpuCount(read = readText): number {
  return Math.max(1, onlineCpus(read).length || cpusInStat(read).length);
}

/** The CPUs that /proc/stat lists, which are the online CPUs. */
function cpusInStat(read: typeof readText): number[] {
  return [...read("/proc/stat").matchAll(/^cpu(\d+) /gm)].map(([, cpu]) => Number(cpu));
}

/** Length of an array that is indexed by the numbers of all possible CPUs. */
export function cpuPlaces(): number {
  return Math.max(...possibleCpus()) + 1;
}
