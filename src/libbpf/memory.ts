/** Giving memory back that was needed only to start. */
import { readFileSync } from "node:fs";
import { libc } from "./libc.ts";
import type { Pointer } from "./native.ts";

const MADV_DONTNEED = 4;

/**
 * Hands the C library's free memory back to the kernel. libbpf parses the
 * kernel's BTF (several MB) to load a program; glibc would keep that room.
 */
export function trimHeap(): void {
  libc().malloc_trim(0);
}

interface Mapping {
  start: number;
  length: number;
}

/** Mappings of files that hold nothing but what the file holds: read-only, and no page of them was ever written. */
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

/** Those of this process. */
export function ownCleanFileMappings(): Mapping[] {
  return cleanFileMappings(readFileSync("/proc/self/smaps", "latin1"));
}

/**
 * Lets go of the executable's pages that were touched only to start; those
 * that are needed again are mapped again from the page cache.
 */
export function dropCleanFilePages(): void {
  for (const { start, length } of ownCleanFileMappings()) {
    libc().madvise(start as Pointer, length, MADV_DONTNEED);
  }
}

/** proc(5): a figure of statm is a number of pages. */
const PAGE_BYTES = 4096;

/** Resident pages of files, ours and shared, bytes. */
export function residentFileBytes(): number {
  const [, , shared = "0"] = readFileSync("/proc/self/statm", "latin1").split(" ");
  return Number(shared) * PAGE_BYTES;
}
