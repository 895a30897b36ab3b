import { readFileSync } from "node:fs";
import { MAPPING_A_RING } from "../bpf/perf-event-ring.ts";
import { formatSizeBytes } from "../config/units.ts";
import { cannotRunError } from "../errors.ts";
import { privilegeHint } from "../probes/privilege-hint.ts";
import { NativeError } from "../sys/errno.ts";
import { refusalHint } from "../sys/refusal.ts";

/** The hint if the kernel counts mapped rings as locked memory of the user, and the user's limit is reached. */
export const LOCKED_MEMORY_HINT =
  "raise the limit of locked memory (ulimit -l, LimitMEMLOCK= of systemd), give linnix CAP_IPC_LOCK, or make --ring-size smaller";

/** @returns the error that explains why the rings cannot be opened; `cause` itself if it is no NativeError */
export function ringError(cause: unknown, ringBytes: number): unknown {
  if (!(cause instanceof NativeError)) return cause;
  const { call, code } = cause;
  const size = formatSizeBytes(ringBytes);
  const what = "the perf rings cannot be opened";
  // EAGAIN: the same limit, if the kernel locks all newly mapped memory, for example after mlockall(MCL_FUTURE).
  if (call === MAPPING_A_RING && (code === "EPERM" || code === "EAGAIN")) {
    const why = `a ring of ${size} for each CPU is more than this user may lock (${lockableMemory()})`;
    return cannotRunError("ring-memory", { what, why, hint: LOCKED_MEMORY_HINT }, { cause });
  }
  const isPrivilege = code === "EPERM" || code === "EACCES";
  const hint =
    (isPrivilege ? privilegeHint() : null) ??
    refusalHint(code) ??
    (isPrivilege ? "sysctl -w kernel.perf_event_paranoid=2, or give linnix CAP_SYS_ADMIN" : null) ??
    "linnix doctor checks what this machine supports";
  return cannotRunError("ring", { what, why: `${cause.message}, a ring of ${size} for each CPU`, hint }, { cause });
}

/** The two limits of locked memory as text, as far as they can be read. */
function lockableMemory(): string {
  const limit = /^Max locked memory\s+(\d+)/m.exec(textOf("/proc/self/limits"))?.[1];
  const kib = textOf("/proc/sys/kernel/perf_event_mlock_kb").trim();
  const parts = [
    ...(limit === undefined ? [] : [`RLIMIT_MEMLOCK: ${formatSizeBytes(Number(limit))}`]),
    ...(kib === "" ? [] : [`kernel.perf_event_mlock_kb: ${kib} KiB a CPU`]),
  ];
  return parts.join(", ") || "RLIMIT_MEMLOCK";
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
