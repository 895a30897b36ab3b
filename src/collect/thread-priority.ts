import { constants, getPriority, setPriority } from "node:os";

/** Collectors of this process that read now, and the niceness that this thread had before the first of them. */
let readers = 0;
let formerNice = 0;

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
  } catch {
    // Without CAP_SYS_NICE it goes as all others do.
  }
  return {
    [Symbol.dispose]() {
      if (--readers > 0) return;
      try {
        setPriority(formerNice);
      } catch {
        // It was not changed.
      }
    },
  };
}
