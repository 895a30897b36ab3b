/** Returns memory to the kernel that was needed only to start. */
import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";
import type { Pointer } from "./native.ts";
import { pageBytes } from "./page-size.ts";

const MADV_DONTNEED = 4;
/** malloc.h, and the C library's initial value of this parameter. */
const M_MMAP_THRESHOLD = -3;
const MMAP_THRESHOLD_BYTES = 128 * 1024;

/**
 * Makes the C library always return large blocks to the kernel as soon as they are freed. By default glibc raises its
 * threshold to the size of the first freed block and keeps later ones. The kernel's BTF, which libbpf copies once to
 * parse it, would then stay in memory twice.
 */
export function giveLargeBlocksBack(): void {
  libc().mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
}

/**
 * Returns the C library's free memory to the kernel. libbpf parses the kernel's BTF (several MB) to load a program, and
 * glibc would keep that memory.
 */
export function trimHeap(): void {
  libc().malloc_trim(0);
}

interface Mapping {
  start: number;
  length: number;
}

/**
 * Private file mappings that contain only data of the file: they are read-only, and no page of them was ever written.
 */
export function cleanFileMappings(smaps: string): Mapping[] {
  const clean: Mapping[] = [];
  let mapping: Mapping | undefined;
  for (const line of smaps.split("\n")) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)$/.exec(line);
    if (head) {
      const [, start = "", end = "", permissions = "", path = ""] = head;
      const isFile = path.startsWith("/") && !permissions.includes("w") && permissions.endsWith("p");
      const from = Number.parseInt(start, 16);
      mapping = isFile ? { start: from, length: Number.parseInt(end, 16) - from } : undefined;
    } else if (mapping && /^Anonymous:\s+0 kB$/.test(line)) {
      clean.push(mapping);
      mapping = undefined;
    }
  }
  return clean;
}

/** The clean file mappings of this process. */
export function ownCleanFileMappings(): Mapping[] {
  return cleanFileMappings(readFileSync("/proc/self/smaps", "latin1"));
}

/**
 * Releases the executable's pages that were needed only to start. If a page is needed again, the kernel maps it again
 * from the page cache.
 */
export function dropCleanFilePages(): void {
  for (const { start, length } of ownCleanFileMappings()) {
    libc().madvise(start as Pointer, length, MADV_DONTNEED);
  }
}

/** Resident pages of files and of shared memory, bytes. The figures of statm are numbers of pages (proc(5)). */
export function residentFileBytes(statm = readFileSync("/proc/self/statm", "latin1"), page = pageBytes()): number {
  const [, , shared = "0"] = statm.split(" ");
  return Number(shared) * page;
}
