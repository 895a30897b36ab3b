import { readProcFile } from "./proc-stat.ts";

/** Memory of a process. */
export interface ProcessMemory {
  /** Resident, shared pages included. */
  rssBytes: number;
  /** Resident, each shared page divided by the number of its users; null if smaps_rollup cannot be read. */
  pssBytes: number | null;
  /** Resident pages that belong to no file: heap, stacks, private copies of file pages. */
  anonBytes: number;
  /** Resident pages of files (the executable, libraries): clean ones can be dropped and read again. */
  fileBytes: number;
  /** Resident shared memory: tmpfs, memfd, shared anonymous mappings. */
  shmemBytes: number;
  threads: number;
}

/** The `kB` figures of /proc/<pid>/status, smaps_rollup or one smaps entry, in bytes. */
export function parseKbFields(text: string): Map<string, number> {
  const fields = new Map<string, number>();
  for (const [, name = "", kb] of text.matchAll(/^(\w+):\s+(\d+) kB$/gm)) fields.set(name, Number(kb) * 1024);
  return fields;
}

/**
 * Memory of a process, from smaps_rollup (Linux 4.14+) if it is readable: it walks the page tables and is exact.
 * Otherwise from status, whose counters lag by some pages per thread.
 *
 * @returns null if the process does not exist or has no memory of its own (a zombie, a kernel thread)
 */
export function readProcessMemory(pid: number): ProcessMemory | null {
  const status = readProcFile(`/proc/${pid}/status`);
  if (status === null) return null;
  const counters = parseKbFields(status);
  const rollup = parseKbFields(readProcFile(`/proc/${pid}/smaps_rollup`) ?? "");
  const rssBytes = rollup.get("Rss") ?? counters.get("VmRSS");
  if (rssBytes === undefined) return null;
  const anonBytes = rollup.get("Anonymous") ?? counters.get("RssAnon") ?? 0;
  const shmemBytes = counters.get("RssShmem") ?? 0;
  return {
    rssBytes,
    pssBytes: rollup.get("Pss") ?? null,
    anonBytes,
    fileBytes: Math.max(rssBytes - anonBytes - shmemBytes, 0),
    shmemBytes,
    threads: Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1] ?? 1),
  };
}
