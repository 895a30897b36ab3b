import type { BpfObject } from "../bpf/bpf-object.ts";
import { readProgramInfo } from "../bpf/bpf-programs.ts";
import { LinnixError } from "../errors.ts";
import type { CountByType } from "../wire/event.ts";

/**
 * The first major version of Linux in which a tracepoint's program may be preempted (include/linux/tracepoint.h: SRCU
 * instead of disabled preemption).
 */
const FIRST_PREEMPTIBLE_MAJOR = 7;

/** The program at each type's tracepoint. */
const PROGRAM = { fork: "handle_fork", exec: "handle_exec", exit: "handle_exit" } as const;

/**
 * Whether the kernel may skip a tracepoint's program because another run of it is preempted on that CPU.
 * @param release as `uname -r` prints it; an unreadable one counts as new
 */
export function skipsPreempted(release: string): boolean {
  const major = Number.parseInt(release, 10);
  return !(major < FIRST_PREEMPTIBLE_MAJOR);
}

/**
 * Runs of a loaded program that the kernel skipped (`recursion_misses` of struct bpf_prog_info). Returns 0 before Linux
 * 5.12, and if a kernel before 5.19 refuses bpf(2) after `--user` has dropped root. These kernels do not preempt such
 * programs.
 */
export function skippedOf(object: BpfObject, program: string): number {
  try {
    return Number(readProgramInfo(object.programFd(program)).recursionMisses ?? 0n);
  } catch (error) {
    if (error instanceof LinnixError) return 0;
    throw error;
  }
}

/**
 * Counts the program runs that the kernel skipped and that no second program retried. Each is a lost event, or the
 * start or end of a thread. It makes one bpf(2) call per program. Returns 0 before Linux 5.12, which does not count
 * skipped runs.
 * @param object is loaded
 * @param retried runs that second programs retried
 */
export function skippedRuns(object: BpfObject, retried: Readonly<CountByType>): CountByType {
  // The two counts are not read at the same moment, so the difference can be too high for a moment, or negative.
  const skipped = (type: keyof typeof PROGRAM) => Math.max(0, skippedOf(object, PROGRAM[type]) - retried[type]);
  return { fork: skipped("fork"), exec: skipped("exec"), exit: skipped("exit") };
}
