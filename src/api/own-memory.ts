import { readdirSync, readFileSync, statSync } from "node:fs";
import { parseKbFields } from "../procfs/memory.ts";

/** What this process takes, by the kernel's counters: behind by some pages a thread, and cheap to ask. */
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
  // Since Linux 6.2 the folder's size is their number; else one is of the listing itself.
  return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length - 1;
}
