/** SIGHUP held back while this process becomes the program anew that listens to it. */
import { dlopen, ptr } from "bun:ffi";

/** Alone here for the reason given in execute.ts, before which it is called. */
const SIGNALS = {
  // int sigprocmask(int how, const sigset_t *set, sigset_t *oldset): of the calling thread, on Linux
  sigprocmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
} as const;

/** include/uapi/asm-generic/signal-defs.h */
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
/** sigset_t of glibc. */
const SET_BYTES = 128;

/**
 * From now on a SIGHUP waits. What waits and what is blocked outlasts an exec (execve(2)), and threads that are started
 * later have it from the one that starts them.
 */
export function holdHangups(): void {
  mask(SIG_BLOCK);
}

/** Lets those through that wait, and all to come; to be called on the main thread, once they are listened to. */
export function takeHangups(): void {
  mask(SIG_UNBLOCK);
}

function mask(how: number): void {
  // SIGHUP is signal 1, the lowest bit.
  const set = new Uint8Array(SET_BYTES);
  set[0] = 1;
  dlopen("libc.so.6", SIGNALS).symbols.sigprocmask(how, ptr(set), null);
}
