import { readFileSync } from "node:fs";

/**
 * How many files this process may have open at the same time: the soft limit of RLIMIT_NOFILE. Infinity if there is
 * none.
 */
export function maxOpenFiles(): number {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
