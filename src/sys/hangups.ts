/** Blocks SIGHUP and signals of log rotation while this process executes the program that handles them. */
import { changeMask, FROM_LOG_ROTATION, SIG_BLOCK, SIG_UNBLOCK, SIGHUP } from "./signal-mask.ts";

/**
 * Blocks these signals. Pending and blocked signals outlast an exec (execve(2)). A new thread inherits the blocked
 * signals of the thread that starts it.
 */
export function holdHangups(): void {
  changeMask(SIG_BLOCK, [SIGHUP, ...FROM_LOG_ROTATION]);
}

/**
 * Unblocks these signals, which delivers the pending ones. Call it on the main thread, after handlers are installed.
 */
export function takeHangups(): void {
  changeMask(SIG_UNBLOCK, [SIGHUP, ...FROM_LOG_ROTATION]);
}
