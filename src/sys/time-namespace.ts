/** The offset between the clocks of this process and the kernel's own: time_namespaces(7), since Linux 5.6. */
import { readFileSync, readlinkSync } from "node:fs";
import { cannotRunError, type ErrorText } from "../errors.ts";

/** What /proc/PID/ns/time links to in the initial time namespace: PROC_TIME_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_TIME_NAMESPACE = "time:[4026531834]";

const NS_LINK = "/proc/self/ns/time";
const NS_LINK_OF_CHILDREN = "/proc/self/ns/time_for_children";
const OFFSETS_FILE = "/proc/self/timens_offsets";

export interface TimeNamespace {
  isInitial: boolean;
  /**
   * CLOCK_BOOTTIME of this process minus that of the kernel, ns: 0 in the initial namespace. Events carry times of the
   * kernel's clock. clock_gettime(2) and the start times in /proc/PID/stat use the clock of the reader's namespace.
   * Null if the offset is unknown.
   */
  boottimeOffsetNs: bigint | null;
}

/** Reads links and files of /proc; null if one is not readable. */
export interface TimeNamespaceFiles {
  readLink(path: string): string | null;
  readText(path: string): string | null;
}

export function readTimeNamespace({ readLink, readText }: TimeNamespaceFiles): TimeNamespace {
  const own = readLink(NS_LINK);
  // The link does not exist on a kernel without time namespaces.
  if (own === null || own === INITIAL_TIME_NAMESPACE) return { isInitial: true, boottimeOffsetNs: 0n };
  // The file shows the offsets of the children's namespace. After setns(2) or unshare(2), it can differ from this
  // process's own.
  const offsets = readLink(NS_LINK_OF_CHILDREN) === own ? readText(OFFSETS_FILE) : null;
  return { isInitial: false, boottimeOffsetNs: offsets === null ? null : boottimeOffsetOf(offsets) };
}

/** The offset of the boot-time clock, from the text of timens_offsets. Linux 5.6 names the clocks by number. */
export function boottimeOffsetOf(offsets: string): bigint | null {
  const [, seconds, nanoseconds] = /^(?:boottime|7)\s+(-?\d+)\s+(\d+)$/m.exec(offsets) ?? [];
  if (seconds === undefined || nanoseconds === undefined) return null;
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}

let found: TimeNamespace | undefined;

/** The time namespace of this process, read once: a process cannot change its own namespace while it has threads. */
export function ownTimeNamespace(): TimeNamespace {
  found ??= readTimeNamespace({
    readLink: (path) => orNull(() => readlinkSync(path)),
    readText: (path) => orNull(() => readFileSync(path, "latin1")),
  });
  return found;
}

/** The offset by which the clocks of this process are corrected, ns; 0 if it is unknown. */
export function boottimeOffsetNs(): bigint {
  return ownTimeNamespace().boottimeOffsetNs ?? 0n;
}

/** The message about a time namespace whose offset is unknown; undefined if the offset is known. */
export function unknownOffset(
  { boottimeOffsetNs } = ownTimeNamespace(),
): Required<Pick<ErrorText, "why" | "hint">> | undefined {
  if (boottimeOffsetNs !== null) return undefined;
  return {
    why: `the clocks of this time namespace are not the kernel's, and ${OFFSETS_FILE} does not show by how much`,
    hint: "run linnix in the initial time namespace: nsenter --time=/proc/1/ns/time linnix …",
  };
}

/**
 * For code that compares its own times with those of the kernel's events.
 * @throws LinnixError (exit code 3) if the offset between the two clocks is unknown
 */
export function assertKnownClock(command: string): void {
  const problem = unknownOffset();
  if (problem) throw cannotRunError("clock", { what: `${command} cannot run here`, ...problem });
}

function orNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
