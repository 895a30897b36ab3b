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
 * Alternate screen, no cursor, no wrapping. Without wrapping a line stays one line even if the terminal shows it wider
 * than linnix expects.
 */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/** Cleared first: tmux keeps lines of it if the terminal was resized meanwhile. */
const LEAVE = "\x1b[0m\x1b[H\x1b[J\x1b[?7h\x1b[?25h\x1b[?1049l";
/** CAN: ends a sequence that was written in part. */
const CANCEL = "\x18";
/** If the terminal accepts no bytes: how often linnix tries to restore it, and how long each try waits. */
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
  /** Called at Ctrl-C, SIGTERM or SIGHUP. */
  end(): void;
}

/**
 * @returns the terminal's mode
 * @throws LinnixError (exit code 3) if there is no terminal to draw on
 */
export function assertTerminal(): Uint8Array {
  const mode = terminalMode(INPUT);
  if (mode === null || terminalMode(OUTPUT) === null) throw noTerminal("stdin and stdout have to be a terminal");
  if (process.env.TERM === "dumb") throw noTerminal("TERM=dumb: this terminal cannot move its cursor");
  return mode;
}

/** The terminal in the mode of a full-screen view. Every exit restores it. */
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
  /** A stopped process gets a SIGTERM together with a SIGCONT. It must end then, not draw again. */
  #isEnding = false;
  /** Whether a write stopped inside a sequence. */
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
    // Before the message about it is printed.
    process.prependListener("uncaughtException", this.#restore);
    process.prependListener("unhandledRejection", this.#restore);
    process.on("exit", this.#restore);
    this.#enter();
    process.stdin.on("data", this.#onData).on("end", this.#onGone).on("error", this.#onGone).resume();
  }

  get size(): Size {
    return terminalSize(OUTPUT) ?? USUAL_SIZE;
  }

  /** Writes what the terminal takes now. */
  write(bytes: Uint8Array): number {
    if (!this.#isEntered) return bytes.length;
    try {
      const written = writeSync(this.#fd, bytes);
      this.isCut = written < bytes.length;
      return written;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
      // The terminal is gone, and so is its user.
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
    // In the background the terminal belongs to the shell, which has already restored its mode, but not the screen.
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

  /** Stops this process, as the kernel does with a background program that uses the terminal. `fg` continues it. */
  #stopInBackground(): void {
    if (!this.#isClosed && !this.#isEnding && !isForeground(INPUT)) process.kill(process.pid, "SIGSTOP");
  }

  #resume(): void {
    if (this.#isClosed || this.#isEnding) return;
    if (!isForeground(INPUT)) {
      // Only after SIGSTOP it is still entered.
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
    what: "linnix top cannot draw here",
    why,
    hint: "linnix top --once prints one refresh as text, --json as JSON",
  });
}
