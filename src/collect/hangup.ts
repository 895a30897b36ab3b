import { closeSync, constants, openSync, readFileSync } from "node:fs";

/**
 * What SIGHUP means to this process: that its terminal is gone, which ends it, or, as to any daemon, that it should
 * read its configuration again.
 */
export class Hangup {
  readonly #onTerminal: boolean;
  readonly #hadTerminal = hasControllingTerminal();
  /** By nohup(1): it is to outlive its terminal. */
  readonly #wasIgnored = isHangupIgnored();

  /**
   * Create it before the handler of SIGHUP.
   * @param onTerminal whether events go to a terminal: without it they have no reader
   */
  constructor(onTerminal: boolean) {
    this.#onTerminal = onTerminal;
  }

  /** Call this when a SIGHUP arrives. Returns whether the signal ends the run. */
  ends(): boolean {
    if (this.#wasIgnored) return false;
    return this.#onTerminal || (this.#hadTerminal && !hasControllingTerminal());
  }
}

/** tty(4): /dev/tty cannot be opened by a process that has none, or whose terminal hung up. */
function hasControllingTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}

/** Whether SIGHUP, which is signal 1, is ignored: proc_pid_status(5). */
export function isHangupIgnored(): boolean {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (BigInt(`0x${mask}`) & 1n) === 1n;
}
