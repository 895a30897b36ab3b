/** Hints for errors of system calls. */
import { readFileSync } from "node:fs";
import { NativeError } from "./errno.ts";

const SECCOMP_HINT =
  "a seccomp filter on this process may refuse it: docker run --security-opt seccomp=unconfined, " +
  "or SystemCallFilter= of the unit with bpf and perf_event_open";

const HINTS: Readonly<Record<string, string>> = {
  EMFILE:
    "raise the limit of open files (ulimit -n, LimitNOFILE= of systemd): " +
    "linnix needs about 80, and one more for each CPU",
  ENFILE: "the machine's limit of open files is reached: raise sysctl fs.file-max, or end programs with many files",
  ENOMEM:
    "give it more memory: ulimit -v (LimitAS=), ulimit -d (LimitDATA=), ulimit -l (LimitMEMLOCK=), " +
    "MemoryMax= or the container's limit, vm.overcommit_memory",
  ENOSPC: "free some space there",
  EDQUOT: "the disk quota is used up: free some space there",
  EFBIG: "raise the limit on file sizes (ulimit -f, LimitFSIZE= of systemd): linnix needs 4 MiB",
  EROFS: "choose a place that is not mounted read-only",
  EAGAIN: "raise the limit of processes and threads: ulimit -u, TasksMax= of systemd, pids.max of the cgroup",
  ENAMETOOLONG: "give a shorter name",
  EIO: "check the disk: the kernel's log shows what failed",
};

/**
 * Hints for errors of bpf(2), where these numbers have another meaning; null: there is no hint. EAGAIN: the verifier
 * stopped because a signal was pending (kernel/bpf/verifier.c). ENOSPC: the verifier's log did not fit.
 */
const BPF_HINTS: Readonly<Record<string, string | null>> = {
  EAGAIN:
    "signals interrupt the kernel's check of the BPF programs repeatedly: start linnix without a debugger, " +
    "strace, or anything else that sends it signals or freezes it",
  ENOSPC: null,
  EFBIG: null,
  EROFS: null,
  EIO: null,
};

/** Texts of the C library and the runtime, for errors without a code. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/too many open files in system/i, "ENFILE"],
  [/too many open files/i, "EMFILE"],
  // The last alternative is a message of the runtime.
  [/cannot allocate memory|failed to map segment|^out of memory$/i, "ENOMEM"],
  [/file too large/i, "EFBIG"],
  [/no space left/i, "ENOSPC"],
];

/** The name of the errno in the code or message of an error or of one of its causes; null if there is none. */
export function refusalCode(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    // A LinnixError has a code too.
    if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return code;
    const { message } = at;
    const word = WORDS.find(([pattern]) => pattern.test(message));
    if (word) return word[1];
  }
  return null;
}

/** What a user can do about the failed system call behind an error; null if unknown. */
export function hintOf(error: unknown): string | null {
  const code = refusalCode(error);
  const hint = code === null || !isOfBpf(error) ? undefined : BPF_HINTS[code];
  return hint === undefined ? refusalHint(code) : hint;
}

function isOfBpf(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof NativeError && /bpf/i.test(at.call)) return true;
  }
  return false;
}

/** What a user can do about an error of a system call other than bpf(2); null if unknown. See `hintOf`. */
export function refusalHint(code: string | null): string | null {
  if (code === null) return null;
  if ((code === "EPERM" || code === "EACCES" || code === "ENOSYS") && isFiltered()) return SECCOMP_HINT;
  return HINTS[code] ?? null;
}

/** Whether a seccomp filter is on this process. */
export function isFiltered(): boolean {
  try {
    return /^Seccomp:\s*2$/m.test(readFileSync("/proc/self/status", "latin1"));
  } catch {
    return false;
  }
}
