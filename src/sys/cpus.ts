/** Numbers of the CPUs that are online, and of those that can come online later. The numbers can have gaps. */
import { readFileSync } from "node:fs";

export const POSSIBLE_CPUS = "/sys/devices/system/cpu/possible";

/** More than most machines that do not say which they may have. */
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
 * @param read the text of a file; throws where it cannot be read
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

/** How many CPUs are online, at least 1; also where /sys is hidden. */
export function onlineCpuCount(read = readText): number {
  return Math.max(1, onlineCpus(read).length || cpusInStat(read).length);
}

/** Those that /proc/stat lists: the online ones. */
function cpusInStat(read: typeof readText): number[] {
  return [...read("/proc/stat").matchAll(/^cpu(\d+) /gm)].map(([, cpu]) => Number(cpu));
}

/** Length of an array with a place for each CPU's number. */
export function cpuPlaces(): number {
  return Math.max(...possibleCpus()) + 1;
}
