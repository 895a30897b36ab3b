import { readFileSync } from "node:fs";

/** CPUs that are online, by number; empty if /sys is not mounted. Format: Documentation/admin-guide/cputopology.rst. */
export function onlineCpus(): number[] {
  try {
    return cpusIn(readFileSync("/sys/devices/system/cpu/online", "latin1"));
  } catch {
    return [];
  }
}

/** The numbers of a list such as `0-3,8`. */
export function cpusIn(list: string): number[] {
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) => {
    const from = Number(first);
    return Array.from({ length: Number(last) - from + 1 }, (_, index) => from + index);
  });
}
