/** The oldest C library, kernel and CPU that linnix runs on. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { release } from "node:os";
import { glibcMinor } from "../.build/build-info.json";
import { cannotRunError, type ErrorText } from "./errors.ts";
import { isAtLeast, kernelRelease, parseKernelVersion } from "./sys/kernel-version.ts";
import { glibcVersion } from "./sys/libc.ts";

/** The minor version of glibc 2 that the embedded libraries need. The build reads it from these libraries. */
export const OLDEST_GLIBC_MINOR = glibcMinor;

/** Linux 5.10: the oldest kernel that linnix is tested on. */
export const OLDEST_KERNEL = { major: 5, minor: 10 } as const;

/** Features of x86-64-v2 that Bun's x64 build uses, by their names in /proc/cpuinfo. Linux calls SSE3 `pni`. */
const CPU_FLAGS = ["pni", "ssse3", "sse4_1", "sse4_2", "popcnt"];

/** Length of the beginning of /proc/cpuinfo that is read. It includes the flags of the first CPU. */
const CPUINFO_BYTES = 8192;

/** The properties of a machine for which linnix requires a minimum. */
export interface FloorFacts {
  /** Version of glibc, such as `2.31`; null if unknown. */
  glibc: string | null;
  kernelRelease: string;
  /** Beginning of /proc/cpuinfo; null if unreadable. */
  cpuinfo: string | null;
}

/** Whether this C library is too old; false if its version is unknown. */
export function isOldGlibc(glibc: string | null): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(glibc ?? "") ?? [];
  return major !== undefined && (Number(major) < 2 || (Number(major) === 2 && Number(minor) < OLDEST_GLIBC_MINOR));
}

/** The flags of {@link CPU_FLAGS} that an x86 CPU lacks; empty if the text has no flags, as on other CPUs. */
export function missingCpuFlags(cpuinfo: string | null): string[] {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo ?? "")?.[1];
  if (flags === undefined) return [];
  const has = new Set(flags.trim().split(/\s+/));
  return CPU_FLAGS.filter((flag) => !has.has(flag));
}

/** Why linnix cannot run on this machine; null if nothing is too old. */
export function belowFloor({ glibc, kernelRelease: kernel, cpuinfo }: FloorFacts): ErrorText | null {
  if (isOldGlibc(glibc)) {
    return {
      what: "linnix cannot run with this C library",
      why: `glibc ${glibc} is older than 2.${OLDEST_GLIBC_MINOR}, which the libraries in linnix need`,
      hint: "use a newer distribution, such as Debian 11",
    };
  }
  if (isAtLeast(parseKernelVersion(kernel), OLDEST_KERNEL.major, OLDEST_KERNEL.minor) === false) {
    const oldest = `${OLDEST_KERNEL.major}.${OLDEST_KERNEL.minor}`;
    return {
      what: "linnix cannot run on this kernel",
      why: `Linux ${kernel} is older than ${oldest}`,
      hint: `boot a kernel of ${oldest} or later`,
    };
  }
  const missing = missingCpuFlags(cpuinfo);
  if (missing.length > 0) {
    return {
      what: "linnix cannot run on this CPU",
      why: `it has no ${missing.join(", ")}: linnix needs x86-64-v2`,
      hint: "give a virtual machine another CPU model, such as host or Nehalem",
    };
  }
  return null;
}

/**
 * Refuses a machine on which linnix cannot run. Without this check, a later step would fail with a less clear message.
 * @throws LinnixError (exit code 3)
 */
export function assertFloor(): void {
  const text = belowFloor({
    glibc: glibcVersion(),
    kernelRelease: kernelRelease(readIfReadable("/proc/sys/kernel/osrelease"), release()),
    cpuinfo: process.arch === "x64" ? readBeginning("/proc/cpuinfo", CPUINFO_BYTES) : null,
  });
  if (text !== null) throw cannotRunError("floor", text);
}

function readIfReadable(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

/** Reads at most `size` bytes, because the whole file has a part for each CPU. Returns null if it cannot be read. */
function readBeginning(path: string, size: number): string | null {
  try {
    const fd = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(size);
      return bytes.toString("latin1", 0, readSync(fd, bytes, 0, size, null));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}
