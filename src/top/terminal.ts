import { writeSync } from "node:fs";
import { cannotRunError } from "../errors.ts";
import { canWrite, isForeground, keyMode, setTerminalMode, terminalMode } from "../sys/terminal-mode.ts";
import { terminalSize } from "../sys/terminal-size.ts";
import { unblocked } from "../sys/unblocked.ts";
import type { Size } from "./screen.ts";

const INPUT = 0;
const OUTPUT = 1;
const USUAL_SIZE: Size = { rows: 24, columns: 80 };
/**
 * Alternate screen, no cursor, no wrapping. Without wrapping, a line takes one row even if the terminal shows it wider
 * than linnix expects.
 */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/** Restores the terminal. The screen is cleared first, because tmux keeps some lines of it after a resize. */
const LEAVE = "\x1b[0m\x1b[H\x1b[J\x1b[?7h\x1b[?25h\x1b[?1049l";
/** The control character CAN, which ends a partly written sequence. */
const CANCEL = "\x18";
/**
 * Maximum number of attempts to write ENTER or LEAVE while the terminal accepts no bytes, and the wait after each, ms.
 */
const LEAVE_TRIES = 20;
const LEAVE_WAIT_MS = 5;
/**
 * A shell's `kill %1` sends SIGTERM and then SIGCONT, but the SIGCONT arrives first. This is how long linnix then waits
 * for a SIGTERM.
 */
const BACKGROUND_MS = 50;

export interface TerminalEvents {
  /** Called with the bytes of keys; null: the terminal is gone. */
  input(bytes: Uint8Array | null): void;
  /** Called if the size changed, or if the screen must be drawn again. */
  changed(): void;
  /** Called at Ctrl-C, SIGTERM, SIGHUP or SIGQUIT. */
  end(): void;
}

/**
 * @returns the terminal's mode
 * @throws LinnixError (exit code 3) if there is no terminal to draw on
 */
export function assertTerminal(): Uint8Array {
  const mode = terminalMode(INPUT);
  if (mode === null || terminalMode(OUTPUT) === null) throw noTerminal("stdin and stdout must be a terminal");
  if (process.env.TERM === "dumb") throw noTerminal("with TERM=dumb, the terminal cannot move its cursor");
  return mode;
}

/** The terminal in the mode of a full-screen view. Its former mode is restored whenever the program ends or stops. */
export class Terminal implements Disposable {
  readonly #events: TerminalEvents;
  readonly #mode: Uint8Array;
  readonly #fd = unblocked(OUTPUT);
  readonly #handlers: readonly (readonly [NodeJS.Signals, () => void])[];
  readonly #restore = () => this.#leave();
  readonly #onData = (bytes: Uint8Array) => this.#events.input(bytes);
  readonly #onGone = () => this.#events.input(null);
  #isEntered = false;
  #isClosed = false;
  /** After SIGTERM, a SIGCONT must not draw again: a stopped process receives both signals together. */
  #isEnding = false;
  /** Whether the last write was incomplete and may have stopped inside a sequence. */
  isCut = false;

  /** @throws LinnixError (exit code 3) if there is no terminal to draw on */
  constructor(events: TerminalEvents) {
    this.#events = events;
    this.#mode = assertTerminal();
    const end = () => {
      this.#isEnding = true;
      this.#events.end();
    };
    this.#handlers = [
      ["SIGINT", end],
      ["SIGTERM", end],
      ["SIGHUP", end],
      ["SIGQUIT", end],
      ["SIGWINCH", () => this.#events.changed()],
      ["SIGTSTP", () => this.#suspend()],
      ["SIGCONT", () => this.#resume()],
    ];
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
    // Prepended, so that the terminal is restored before the error is printed.
    process.prependListener("uncaughtException", this.#restore);
    process.prependListener("unhandledRejection", this.#restore);
    process.on("exit", this.#restore);
    this.#enter();
    process.stdin.on("data", this.#onData).on("end", this.#onGone).on("error", this.#onGone).resume();
  }

  get size(): Size {
    return terminalSize(OUTPUT) ?? USUAL_SIZE;
  }

  /** Writes as many bytes as the terminal accepts now. @returns how many; all if the terminal is gone or not in use */
  write(bytes: Uint8Array): number {
    if (!this.#isEntered) return bytes.length;
    try {
      const written = writeSync(this.#fd, bytes);
      this.isCut = written < bytes.length;
      return written;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
      // The terminal is gone.
      this.#events.input(null);
      return bytes.length;
    }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#leave();
    this.#isClosed = true;
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
    process.off("uncaughtException", this.#restore);
    process.off("unhandledRejection", this.#restore);
    process.off("exit", this.#restore);
    process.stdin.off("data", this.#onData).off("end", this.#onGone).off("error", this.#onGone).pause();
  }

  #enter(): void {
    setTerminalMode(INPUT, keyMode(this.#mode));
    this.#isEntered = true;
    this.#say(ENTER);
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    if (canWrite(OUTPUT)) this.#say((this.isCut ? CANCEL : "") + LEAVE);
    // If linnix is in the background, the shell has already restored the mode of the terminal, but not the screen.
    if (isForeground(INPUT)) setTerminalMode(INPUT, this.#mode);
  }

  #say(text: string): void {
    let bytes: Uint8Array = Buffer.from(text);
    for (let tries = 0; bytes.length > 0 && tries < LEAVE_TRIES; tries++) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
        Bun.sleepSync(LEAVE_WAIT_MS);
      }
    }
  }

  #suspend(): void {
    this.#leave();
    process.kill(process.pid, "SIGSTOP");
  }

  /** Stops this process if it is in the background, as the kernel does if such a process reads the terminal. */
  #stopInBackground(): void {
    if (!this.#isClosed && !this.#isEnding && !isForeground(INPUT)) process.kill(process.pid, "SIGSTOP");
  }

  #resume(): void {
    if (this.#isClosed || this.#isEnding) return;
    if (!isForeground(INPUT)) {
      // After SIGSTOP the screen has not been restored yet.
      this.#leave();
      setTimeout(() => this.#stopInBackground(), BACKGROUND_MS);
      return;
    }
    this.#enter();
    this.#events.changed();
  }
}

function noTerminal(why: string) {
  return cannotRunError("no-terminal", {
    what: "linnix top cannot draw on this terminal",
    why,
    hint: "linnix top --once prints one refresh as text, --json as JSON",
  });
}
