import { readFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";

/** capabilities(7) */
const CAP_SYS_NICE = 23n;

/** Collectors of this process that read now, and the niceness that this thread had before the first of them. */
let readers = 0;
let formerNice = 0;
/** Whether this process may lower its niceness, so that it can raise it and lower it again. */
let canPrefer = false;
let isPreferred = false;

/**
 * The reader must run in time also on a machine with more work than CPUs, and it needs little: this thread gets priority,
 * the helpers of the runtime do not. Processes that it starts meanwhile inherit the priority.
 *
 * @returns until it is disposed of
 */
export function preferThisThread(): Disposable {
  try {
    if (readers++ === 0) formerNice = getPriority();
    setPriority(constants.priority.PRIORITY_HIGH);
    isPreferred = true;
    lookAtPrivilege();
  } catch {
    // Without CAP_SYS_NICE it keeps the ordinary priority.
  }
  return {
    [Symbol.dispose]() {
      if (--readers > 0) return;
      set(formerNice);
      isPreferred = false;
    },
  };
}

/** Call it after this process dropped privileges: without CAP_SYS_NICE the thread keeps its priority. */
export function lookAtPrivilege(): void {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  canPrefer = ((BigInt(`0x${effective}`) >> CAP_SYS_NICE) & 1n) === 1n;
}

/** Runs the work for clients at ordinary niceness. Does nothing if that could not be undone. */
export function yieldPreference(): void {
  if (canPrefer && isPreferred) set(formerNice);
}

/** Ends {@link yieldPreference}. */
export function resumePreference(): void {
  if (canPrefer && isPreferred) set(constants.priority.PRIORITY_HIGH);
}

function set(nice: number): void {
  try {
    setPriority(nice);
  } catch {
    // It stays as it is.
  }
}
