import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { log } from "../config/log.ts";
import { cannotRunError } from "../errors.ts";
import type { EndedChild, LeftProcess } from "../sys/descendants.ts";
import type { SupervisorLine } from "../sys/supervise.ts";
import { findLeash } from "../sys/tool.ts";
import { selfCommand } from "../workload/self-command.ts";

/** How long a supervisor may take to start its program, ms: the machine may be loaded. */
const START_MS = 30_000;
const LOOK_MS = 2;
/** How many of what could not be ended are named. */
const LEFT_NAMED = 5;
/** The signal's part of a wait status. */
const SIGNAL_MASK = 0x7f;

/**
 * What is between linnix and a program that it starts: a process that adopts all orphans of the program, and ends every
 * process that descends from it when the program ends, when it is asked to, or when linnix is gone. Reports come by a
 * file without a name, so that nothing has to be read while something is measured.
 */
export class Supervisor implements Disposable {
  /** The descriptor that the supervisor gets as number 3. */
  readonly fd: number;
  #read = 0;
  #rest = "";
  #started: number | null = null;
  #failed: string | null = null;
  #ended: EndedChild | null = null;
  #left: readonly LeftProcess[] = [];
  #open = true;

  /** @param folder a private one */
  constructor(folder: string) {
    const path = join(folder, "supervisor");
    const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    this.fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    unlinkSync(path);
  }

  /**
   * The command line that runs a program under a supervisor. Should that be killed, the kernel ends the program.
   *
   * @param deathSignal what the program gets when linnix is gone
   */
  command(argv: readonly string[], deathSignal: "SIGKILL" | "SIGTERM"): string[] {
    const setpriv = findLeash();
    const leash = setpriv === null ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
    return [...selfCommand("__supervise", "--", String(process.pid), deathSignal), ...leash, ...argv];
  }

  /**
   * Waits until the program runs.
   *
   * @returns its pid
   * @throws LinnixError (exit code 3) if it does not
   */
  async started(name: string, hasEnded: () => boolean): Promise<number> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      const ended = hasEnded();
      this.#look();
      if (this.#started !== null) return this.#started;
      if (this.#failed !== null || ended || performance.now() > deadline) {
        throw cannotRunError("subject-not-started", {
          what: `cannot start ${name}`,
          why: this.#failed ?? (ended ? "its supervisor ended" : `nothing happened in ${START_MS / 1000} s`),
        });
      }
      await Bun.sleep(LOOK_MS);
    }
  }

  /** Null before it runs. */
  get pid(): number | null {
    this.#look();
    return this.#started;
  }

  /** How the program ended, and what it and all that it has waited for used; null before. */
  get ended(): EndedChild | null {
    this.#look();
    return this.#ended;
  }

  /** The program's exit code; null if a signal ended it, or it has not ended. */
  get exitCode(): number | null {
    const status = this.ended?.status;
    return status === undefined || (status & SIGNAL_MASK) !== 0 ? null : status >> 8;
  }

  /** Number of the signal that ended the program; null if it ended by itself, or has not ended. */
  get signal(): number | null {
    const signal = (this.ended?.status ?? 0) & SIGNAL_MASK;
    return signal === 0 ? null : signal;
  }

  /** Warns of what could not be ended. */
  warnOfLeft(root: number): void {
    this.#look();
    if (this.#left.length === 0) return;
    const names = this.#left.slice(0, LEFT_NAMED).map(({ pid, comm }) => `${comm} (${pid})`);
    const more = this.#left.length - names.length;
    log.warn(
      `could not end ${this.#left.length} ${this.#left.length === 1 ? "process" : "processes"} that ${root} started: ` +
        `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}. They hang in the kernel, start others faster than ` +
        "they can be killed, or belong to another account: end them by hand",
    );
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#look();
    this.#open = false;
    closeSync(this.fd);
  }

  #look(): void {
    if (!this.#open) return;
    const size = fstatSync(this.fd).size;
    if (size === this.#read) return;
    const bytes = new Uint8Array(size - this.#read);
    this.#read += readSync(this.fd, bytes, 0, bytes.length, this.#read);
    const lines = (this.#rest + new TextDecoder().decode(bytes)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(JSON.parse(line) as SupervisorLine);
  }

  #take(line: SupervisorLine): void {
    if ("started" in line) this.#started = line.started;
    else if ("failed" in line) this.#failed = line.failed;
    else if ("ended" in line) this.#ended = line.ended;
    else this.#left = line.left;
  }
}
