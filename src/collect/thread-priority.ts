import { readFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";

/** capabilities(7) */
const CAP_SYS_NICE = 23n;

/** Collectors of this process that read now, and the niceness that this thread had before the first of them. */
let readers = 0;
let formerNice = 0;
/** Whether this process may lower its niceness: what is given up can be had again. */
let canPrefer = false;
let isPreferred = false;

/**
 * On a machine with more to run than it has CPUs the reader must still come in time, and it wants little: this thread
 * goes before others, the runtime's helpers do not. What is started meanwhile inherits it.
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
    // Without CAP_SYS_NICE it goes as all others do.
  }
  return {
    [Symbol.dispose]() {
      if (--readers > 0) return;
      set(formerNice);
      isPreferred = false;
    },
  };
}

/** To be called after this process gave up privileges: without CAP_SYS_NICE the thread keeps what it has. */
export function lookAtPrivilege(): void {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  canPrefer = ((BigInt(`0x${effective}`) >> CAP_SYS_NICE) & 1n) === 1n;
}

/** What others ask this thread for is done at the niceness that others have. Does nothing if it could not be undone. */
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
