import { readdirSync, readFileSync, statSync } from "node:fs";
import { parseKbFields } from "../procfs/memory.ts";

/**
 * Memory of this process by the kernel's counters. They are cheap to read, but can be behind by some pages per thread.
 */
export interface OwnMemory {
  rssBytes: number;
  anonBytes: number;
  fileBytes: number;
  virtualBytes: number;
}

export function readOwnMemory(): OwnMemory {
  const fields = parseKbFields(readFileSync("/proc/self/status", "utf8"));
  const bytes = (name: string) => fields.get(name) ?? 0;
  return {
    rssBytes: bytes("VmRSS"),
    anonBytes: bytes("RssAnon"),
    fileBytes: bytes("RssFile"),
    virtualBytes: bytes("VmSize"),
  };
}

/** Number of open descriptors of this process. */
export function countOpenFds(): number {
  // Since Linux 6.2, the size of the folder is this number. Before, the size is 0, and the listing itself needs one.
  return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length - 1;
}
