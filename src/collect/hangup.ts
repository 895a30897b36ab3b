import { closeSync, constants, openSync } from "node:fs";

/**
 * What SIGHUP means to this process: that its terminal is gone, which ends it, or, as to any daemon, that it should
 * read its configuration again.
 */
export class Hangup {
  readonly #onTerminal: boolean;
  readonly #hadTerminal = hasControllingTerminal();

  /** @param onTerminal whether events go to a terminal: nobody reads them once that is gone */
  constructor(onTerminal: boolean) {
    this.#onTerminal = onTerminal;
  }

  /** Whether a SIGHUP that has come now ends the run. */
  ends(): boolean {
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
