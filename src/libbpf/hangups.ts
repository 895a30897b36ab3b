/** SIGHUP held back while this process becomes the program anew that listens to it. */
import { changeMask, SIG_BLOCK, SIG_UNBLOCK, SIGHUP } from "./signal-mask.ts";

/**
 * From now on a SIGHUP waits. What waits and what is blocked outlasts an exec (execve(2)), and threads that are started
 * later have it from the one that starts them.
 */
export function holdHangups(): void {
  changeMask(SIG_BLOCK, [SIGHUP]);
}

/** Lets those through that wait, and all to come; to be called on the main thread, once they are listened to. */
export function takeHangups(): void {
  changeMask(SIG_UNBLOCK, [SIGHUP]);
}
