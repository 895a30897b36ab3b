import { openLibrary } from "./library.ts";

const { symbols: libc } = openLibrary("libc.so.6", {
  // int clock_getcpuclockid(pid_t pid, clockid_t *clockid): 0 or an error number
  clock_getcpuclockid: { args: ["i32", "ptr"], returns: "i32" },
  // int clock_gettime(clockid_t clockid, struct timespec *tp)
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  // int getrusage(int who, struct rusage *usage)
  getrusage: { args: ["i32", "ptr"], returns: "i32" },
});

const NS_PER_S = 1_000_000_000n;
const RUSAGE_CHILDREN = -1;
/** sizeof(struct rusage) / 8 on every 64-bit Linux: two timevals and 14 longs. */
const RUSAGE_WORDS = 18;

const clockId = new Int32Array(1);
const timespec = new BigInt64Array(2);
const rusage = new BigInt64Array(RUSAGE_WORDS);

/**
 * Id of the processor-time clock of a process (clock_getcpuclockid(3)): all its threads, those that have ended
 * included, user and system together. Any process's clock can be read, kernel threads' as well.
 *
 * @returns null where there is no such process
 */
export function processCpuClockId(pid: number): number | null {
  return libc.clock_getcpuclockid(pid, clockId) === 0 ? (clockId[0] as number) : null;
}

/** Reads a clock, ns. @returns null where it is gone, as a process's clock is once the process has been waited for */
export function readClockNs(id: number): bigint | null {
  if (libc.clock_gettime(id, timespec) !== 0) return null;
  return (timespec[0] as bigint) * NS_PER_S + (timespec[1] as bigint);
}

/** CLOCK_PROCESS_CPUTIME_ID: processor time of this process, ns. */
export function ownCpuNs(): bigint {
  return readClockNs(2) as bigint;
}

/** Processor time, ns (µs resolution), of this process's children that it has waited for, and of theirs. */
export function waitedChildrenCpuNs(): bigint {
  libc.getrusage(RUSAGE_CHILDREN, rusage);
  const [userS, userUs, systemS, systemUs] = rusage as unknown as [bigint, bigint, bigint, bigint];
  return (userS + systemS) * NS_PER_S + (userUs + systemUs) * 1000n;
}
