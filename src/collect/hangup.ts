import { closeSync, constants, openSync, readFileSync } from "node:fs";

/**
 * Decides what a SIGHUP means. If the terminal of this process is gone, the signal ends the run. Otherwise it asks for
 * a reload of the configuration, as with other daemons.
 */
export class Hangup {
  readonly #onTerminal: boolean;
  readonly #hadTerminal = hasControllingTerminal();
  /** Whether SIGHUP was ignored at the start, as nohup(1) does. Then the process outlives its terminal. */
  readonly #wasIgnored = isHangupIgnored();

  /**
   * Create it before the handler of SIGHUP.
   * @param onTerminal whether events go to the terminal. If so, they have no reader once it is gone
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

/** A process that has no terminal, or whose terminal hung up, cannot open /dev/tty: tty(4). */
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
