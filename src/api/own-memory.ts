import { readdirSync, readFileSync, statSync } from "node:fs";
import { parseKbFields } from "../procfs/memory.ts";

/** The memory of this process, by the kernel's counters: some pages for each thread behind, and cheap to read. */
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

/** Descriptors that this process has open. */
export function countOpenFds(): number {
  // Since Linux 6.2 the size of the folder is their number. Before, one descriptor is that of the listing itself.
  return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length - 1;
}
