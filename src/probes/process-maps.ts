import { readFileSync } from "node:fs";
import type { BpfObject } from "../bpf/bpf-object.ts";

/** First Linux whose BPF programs may allocate an element of a hash map in any context: 34dd3bad1a6f. */
const FIRST_ALLOCATING = [6, 1] as const;
/**
 * Maximum number of processes that a map has entries for at a time. Each bucket takes 16 bytes, whether it is used or
 * not.
 */
const MAX_PROCESSES = 262_144;
const MIN_PROCESSES = 1024;
/** Maximum size of the LRU map `forked_at`. The kernel preallocates it, and replaces old entries if it is full. */
const MAX_FORKED_AT = 65_536;
/** Maximum memory of all preallocated maps together, bytes: 8 MiB, less the memory of the other maps of an object. */
const MAX_PREALLOCATED_BYTES = 7.5 * 2 ** 20;
/** Bytes of an element with its bucket on PREEMPT_RT, where locks are largest (struct htab_elem, struct bucket). */
const ELEMENT_BYTES = 48 + 40;

/** What limits the number of processes on a machine. */
export interface ProcessLimits {
  /** As `uname -r` prints it. */
  release: string;
  /** kernel.threads-max: the kernel sets it by the machine's memory. */
  maxThreads: number;
  /** kernel.pid_max */
  maxPid: number;
}

/** Sizes of the maps that have an entry for each process. */
export interface ProcessMapSizes {
  /** Whether the kernel must allocate all elements when it creates a map. */
  preallocates: boolean;
  /** Entries of each map. */
  entries: number;
}

/**
 * Whether a tracepoint's program may use only hash maps whose elements all exist from the start. Earlier kernels print
 * a WARNING for another map, which is a panic with panic_on_warn, and refuse it on PREEMPT_RT.
 * @param release as `uname -r` prints it; an unreadable one counts as old, because newer kernels accept both kinds of
 *   maps
 */
export function needsPreallocation(release: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (major === undefined || minor === undefined) return true;
  const [firstMajor, firstMinor] = FIRST_ALLOCATING;
  return Number(major) < firstMajor || (Number(major) === firstMajor && Number(minor) < firstMinor);
}

export function readProcessLimits(release: string): ProcessLimits {
  return { release, maxThreads: readLimit("threads-max"), maxPid: readLimit("pid_max") };
}

/**
 * Sizes for maps in which each process may have an entry.
 * @param dataBytes for each map: the size of a key and a value, each rounded up to 8
 */
export function processMapSizes(limits: ProcessLimits, dataBytes: readonly number[]): ProcessMapSizes {
  const preallocates = needsPreallocation(limits.release);
  let most = MAX_PROCESSES;
  const bytes = dataBytes.reduce((sum, data) => sum + ELEMENT_BYTES + data, 0);
  // The kernel rounds the number of buckets up to a power of two.
  if (preallocates && bytes > 0) most = Math.min(most, 2 ** Math.floor(Math.log2(MAX_PREALLOCATED_BYTES / bytes)));
  return { preallocates, entries: Math.max(MIN_PROCESSES, Math.min(most, limits.maxThreads, limits.maxPid)) };
}

/**
 * Sizes the maps of an object in which each process may have an entry. Call it before the object is loaded.
 * @param maps their names
 * @param maxProcesses entries of each map, instead of a number from the machine's limits
 * @returns entries of each map
 */
export function sizeProcessMaps(
  object: BpfObject,
  maps: readonly string[],
  limits: ProcessLimits,
  maxProcesses?: number,
): number {
  const { preallocates, entries } = processMapSizes(
    limits,
    maps.map((map) => object.dataBytes(map)),
  );
  if (preallocates) object.preallocateMaps();
  const size = maxProcesses ?? entries;
  for (const map of maps) object.setMaxEntries(map, map === "forked_at" ? Math.min(size, MAX_FORKED_AT) : size);
  return size;
}

function readLimit(name: string): number {
  try {
    const limit = Number(readFileSync(`/proc/sys/kernel/${name}`, "latin1"));
    return limit > 0 ? limit : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
