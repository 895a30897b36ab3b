import { constants, setPriority } from "node:os";

/**
 * On a machine with more to run than it has CPUs the reader must still come in
 * time, and it wants little: this thread goes before others, the runtime's
 * helpers do not.
 */
export function preferThisThread(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch {
    // Without CAP_SYS_NICE it goes as all others do.
  }
}
