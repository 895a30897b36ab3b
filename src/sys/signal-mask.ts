/** Blocks signals for this thread. Blocked signals stay pending until they are unblocked. */
import { ptr } from "bun:ffi";
import { libcFunction } from "./libc.ts";

/** include/uapi/asm-generic/signal-defs.h */
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
/** sigset_t of glibc. */
const SET_BYTES = 128;

/** Numbers of asm-generic/signal.h, which x86 and arm64 share. */
export const SIGHUP = 1;
const SIGINT = 2;
const SIGQUIT = 3;
const SIGUSR1 = 10;
const SIGUSR2 = 12;
const SIGPIPE = 13;
const SIGALRM = 14;
const SIGTERM = 15;
const SIGCHLD = 17;
const SIGCONT = 18;
const SIGTSTP = 20;
const SIGTTIN = 21;
const SIGTTOU = 22;
const SIGURG = 23;
const SIGVTALRM = 26;
const SIGPROF = 27;
const SIGWINCH = 28;
const SIGIO = 29;

/** Signals from other processes, but not those with which the runtime stops its own threads. */
const FROM_OTHERS = [
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGUSR1,
  SIGUSR2,
  SIGPIPE,
  SIGALRM,
  SIGTERM,
  SIGCHLD,
  SIGCONT,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGVTALRM,
  SIGPROF,
  SIGWINCH,
  SIGIO,
];

/** Logrotate rules of other daemons send these signals, and users copy such rules. */
export const FROM_LOG_ROTATION = [SIGUSR1, SIGUSR2];

/** Opened alone, because hangups.ts uses it before this process executes another program. */
let sigprocmask: ReturnType<typeof libcFunction<"sigprocmask">> | undefined;

/** @returns the mask before */
function change(how: number, set: Uint8Array): Uint8Array {
  sigprocmask ??= libcFunction("sigprocmask");
  const before = new Uint8Array(SET_BYTES);
  sigprocmask(how, ptr(set), ptr(before));
  return before;
}

/** Blocks or unblocks `signals` for the calling thread. @returns the mask before */
export function changeMask(how: typeof SIG_BLOCK | typeof SIG_UNBLOCK, signals: readonly number[]): Uint8Array {
  const set = new Uint8Array(SET_BYTES);
  for (const signal of signals) set[(signal - 1) >> 3] = (set[(signal - 1) >> 3] ?? 0) | (1 << ((signal - 1) & 7));
  return change(how, set);
}

/**
 * Runs an action whose system calls a signal would abort. Signals that arrive in the meantime are delivered afterwards.
 */
export function withoutSignals<T>(action: () => T): T {
  const before = changeMask(SIG_BLOCK, FROM_OTHERS);
  try {
    return action();
  } finally {
    change(SIG_SETMASK, before);
  }
}
