import { readFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";

/** capabilities(7) */
const CAP_SYS_NICE = 23n;

/**
 * Number of collectors of this process that are reading now, and the niceness of this thread before the first of them
 * began.
 */
let readers = 0;
let formerNice = 0;
/** Whether this process may lower its niceness, so that it can raise it and lower it again. */
let canPrefer = false;
let isPreferred = false;

/**
 * Gives this thread a high priority, but not the helper threads of the runtime. The reader must run in time even if the
 * machine has more work than CPUs, and it needs little CPU time. Processes that this thread starts meanwhile inherit
 * the priority.
 *
 * @returns a handle that ends the priority
 */
export function preferThisThread(): Disposable {
  try {
    if (readers++ === 0) formerNice = getPriority();
    setPriority(constants.priority.PRIORITY_HIGH);
    isPreferred = true;
    lookAtPrivilege();
  } catch {
    // Without CAP_SYS_NICE the thread keeps its ordinary priority.
  }
  return {
    [Symbol.dispose]() {
      if (--readers > 0) return;
      set(formerNice);
      isPreferred = false;
    },
  };
}

/**
 * Call it after this process dropped privileges. Without CAP_SYS_NICE the thread then keeps its high priority at all
 * times.
 */
export function lookAtPrivilege(): void {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  canPrefer = ((BigInt(`0x${effective}`) >> CAP_SYS_NICE) & 1n) === 1n;
}

/** Gives this thread its former niceness while it works for clients. Does nothing if that could not be undone. */
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
    // The niceness stays as it is.
  }
}
