import { readdirSync, readFileSync } from "node:fs";
import { parseKbFields } from "../cost/memory.ts";

/** What this process takes, by the kernel's counters: behind by some pages a thread, and cheap to ask. */
export interface OwnMemory {
  rssBytes: number;
  anonBytes: number;
  fileBytes: number;
}

export function readOwnMemory(): OwnMemory {
  const fields = parseKbFields(readFileSync("/proc/self/status", "utf8"));
  const bytes = (name: string) => fields.get(name) ?? 0;
  return { rssBytes: bytes("VmRSS"), anonBytes: bytes("RssAnon"), fileBytes: bytes("RssFile") };
}

/** Descriptors that this process has open. */
export function countOpenFds(): number {
  // One is of the listing itself.
  return readdirSync("/proc/self/fd").length - 1;
}
