/** SIGHUP, and signals of log rotation, held back while this process starts again as the program that listens to them. */
import { changeMask, FROM_LOG_ROTATION, SIG_BLOCK, SIG_UNBLOCK, SIGHUP } from "./signal-mask.ts";

/**
 * From now on these signals wait. What waits and what is blocked outlasts an exec (execve(2)), and threads that are started
 * later have it from the one that starts them.
 */
export function holdHangups(): void {
  changeMask(SIG_BLOCK, [SIGHUP, ...FROM_LOG_ROTATION]);
}

/** Lets those through that wait, and all to come; to be called on the main thread, once they are listened to. */
export function takeHangups(): void {
  changeMask(SIG_UNBLOCK, [SIGHUP, ...FROM_LOG_ROTATION]);
}
