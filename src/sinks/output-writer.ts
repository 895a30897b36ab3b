import { isBackgroundHeld } from "../sys/background-hold.ts";
import { fileStatus } from "../sys/file-status.ts";
import { AbandonedWrites } from "./abandoned-writes.ts";
import type { BackgroundWrite } from "./background-write.ts";
import type { Backlog } from "./backlog.ts";
import { closeFile } from "./file-calls.ts";
import { codeOf, NoReader, OutputClosed, outputError, writeError } from "./output-errors.ts";
import type { OutputTarget } from "./output-target.ts";
import type { Overflow } from "./overflow.ts";

/**
 * Maximum number of bytes that are gathered before they are written. It is more than one second of JSON Lines at 300
 * processes per second, because a second write in the same turn costs one more turn of the event loop.
 */
export const BATCH_BYTES = 512 * 1024;
/** Time until an output that failed is tried again. */
const RETRY_MS = 2000;
/** How long a reopened output waits until the waiting lines are written to the old file. */
const OLD_FILE_MS = 1000;
const LOOK_MS = 5;

/** Errors after which the file itself is unchanged, so the output does not open it again. */
const KEEPS_FILE = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EAGAIN", "ENOMEM"]);

const NO_FILE = "it is not a regular file any more";

/** Why the last write failed. */
export interface Trouble {
  code: string;
  error: Error;
}

/** Writes the lines of a backlog, retries after an error, and continues in another file. */
export class OutputWriter {
  readonly #target: OutputTarget;
  readonly #backlog: Backlog;
  readonly #overflow: Overflow;
  readonly #goesOn: boolean;
  readonly #abandoned = new AbandonedWrites();
  #writtenBytes = 0;
  #trouble: Trouble | undefined;
  #retryMs = 0;
  /** Whether work on the file, such as opening it again, must end before the next write. */
  #isBusy = false;
  #progressMs = 0;
  #reopening: Promise<boolean> | undefined;
  #nextReopening: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param backlog the lines that wait to be written
   * @param overflow counts the lines that are not written
   * @param goesOn whether the run continues if its output fails
   */
  constructor(target: OutputTarget, backlog: Backlog, overflow: Overflow, goesOn: boolean) {
    this.#target = target;
    this.#backlog = backlog;
    this.#overflow = overflow;
    this.#goesOn = goesOn;
  }

  /** Bytes that were written so far, to all files of this output. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** How long no waiting line has been written, ms; 0 if no lines wait. */
  get stalledMs(): number {
    return this.#backlog.isEmpty ? 0 : performance.now() - this.#progressMs;
  }

  /** Why the last write failed; undefined if it did not fail. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Whether no work on the file, such as opening it again, is running. */
  get isSettled(): boolean {
    return !this.#isBusy;
  }

  /** To be called before lines are added to the backlog. */
  begins(): void {
    if (this.#backlog.isEmpty) this.#progressMs = performance.now();
  }

  /** Writes these lines without blocking. @returns how many bytes were written before the reader had no room left */
  writeNow(lines: Uint8Array): number {
    const done = this.#target.writeNow(lines, (error) => this.#failed(error));
    this.#writtenBytes += done;
    return done;
  }

  /** Writes as many waiting lines as possible now. @returns whether no lines wait any more */
  retry(): boolean {
    if (!this.#abandoned.isEmpty) this.#reap();
    if (this.#backlog.isEmpty) return true;
    if (this.#isBusy) return false;
    // A running write may be the first one that succeeds again.
    return this.#target.background?.isUnderWay || this.#mayBegin() ? this.#writeOn() : false;
  }

  /** Lets the next attempt follow without a pause. */
  hurry(): void {
    this.#retryMs = 0;
  }

  /** Counts the lines of abandoned writes as unwritten, because linnix does not wait for these writes any more. */
  giveUpAbandoned(): void {
    this.#reap();
    this.#abandoned.giveUp((lines) => this.#overflow.giveUp(lines));
  }

  /**
   * Opens the output's file again by its name, for log rotation. If the file was moved away, a new one is created.
   * Later lines go to the file that is now at this name.
   * @returns false if nothing was done, because the output is not a file that linnix opened
   * @throws LinnixError (exit code 2) if the file cannot be opened. Lines then still go to the old file
   */
  reopen(): Promise<boolean> {
    if (!this.#target.canReopen || !this.#target.isFile || this.#closing) return Promise.resolve(false);
    const under = this.#reopening;
    if (!under) {
      this.#reopening = this.#openAgain().finally(() => {
        this.#reopening = undefined;
      });
      return this.#reopening;
    }
    // Since the current attempt began, the name may refer to another file.
    this.#nextReopening ??= under
      .catch(() => {})
      .then(() => {
        this.#nextReopening = undefined;
        return this.reopen();
      });
    return this.#nextReopening;
  }

  /** @throws an error whose `code` is the errno's name, because some filesystems report a failed write only at close */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { background } = this.#target;
    if (background?.isUnderWay) background.result();
    if (!this.#isBusy) await this.#target.close();
  }

  /** Whether a write may begin now. If not, opens the output again if that is due. */
  #mayBegin(): boolean {
    if (this.#trouble && performance.now() < this.#retryMs) return false;
    if (isBackgroundHeld() && (this.#target.background || this.#trouble)) return false;
    if (!this.#trouble || !this.#target.canReopen || KEEPS_FILE.has(this.#trouble.code)) return true;
    void this.#whileBusy(() => this.#openAfterTrouble());
    return false;
  }

  #writeOn(): boolean {
    const { background } = this.#target;
    for (;;) {
      if (background?.isUnderWay) {
        const written = this.#resultOf(background);
        if (written === null) return false;
        this.#writtenBytes += written;
        this.#progressed(written);
      }
      const { first } = this.#backlog;
      if (!first) return true;
      if (background) {
        this.#startWrite();
        return false;
      }
      const written = this.writeNow(first);
      if (written > 0) this.#progressed(written);
      if (written < first.length) return false;
    }
  }

  #progressed(written: number): void {
    this.#backlog.written(written);
    this.#target.progressed(written);
    this.#progressMs = performance.now();
    if (written > 0) this.#trouble = undefined;
  }

  #startWrite(): void {
    this.#backlog.join(BATCH_BYTES);
    const { first } = this.#backlog;
    if (!first) return;
    try {
      this.#target.start(first);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Number of bytes that a write has written; null if it is still running, or has failed. */
  #resultOf(background: BackgroundWrite): number | null {
    try {
      return background.result();
    } catch (error) {
      if (codeOf(error) !== "EINTR") this.#failed(error);
      return codeOf(error) === "EINTR" ? 0 : null;
    }
  }

  #failed(cause: unknown): void {
    const code = codeOf(cause);
    const isGone = code === "EPIPE" || code === "ECONNRESET";
    this.#retryMs = performance.now() + RETRY_MS;
    this.#trouble = { code, error: isGone ? new OutputClosed() : writeError(this.#target.name, code, cause) };
    // If others share the position of the descriptor, the next write would leave a hole after the cut.
    const mayCut = this.#target.isFile && !(this.#target.isShared && this.#goesOn);
    if (!mayCut || !this.#backlog.isAmidLine) return;
    void this.#whileBusy(() => this.#target.cutToWholeLines(this.#backlog));
  }

  async #whileBusy(action: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await action();
    } catch {
      // This error is ignored, because `trouble` has the error of the write.
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Opens the output again. A descriptor does not recover after its filesystem was unmounted, or its FIFO lost its
   * reader.
   */
  async #openAfterTrouble(): Promise<void> {
    this.#retryMs = performance.now() + RETRY_MS;
    const fd = await this.#target.openAgain();
    const { kind } = fileStatus(fd);
    if (this.#closing || kind !== (this.#target.isFile ? "file" : "fifo")) return closeFile(fd);
    this.#adopt(fd);
    this.#isBusy = false;
    this.#writeOn();
  }

  async #openAgain(): Promise<boolean> {
    const { name } = this.#target;
    const fd = await this.#target.openAgain().catch((error) => {
      throw error instanceof NoReader ? outputError(name, NO_FILE, error) : error;
    });
    if (this.#closing) {
      await closeFile(fd);
      return false;
    }
    if (fileStatus(fd).kind !== "file") {
      await closeFile(fd);
      throw outputError(name, NO_FILE, undefined);
    }
    const endMs = performance.now() + OLD_FILE_MS;
    while (!this.#trouble && !this.retry() && performance.now() < endMs) await Bun.sleep(LOOK_MS);
    this.#adopt(fd);
    this.#retryMs = 0;
    this.#trouble = undefined;
    this.retry();
    return true;
  }

  /** Continues with another descriptor. If it refers to another file, this file begins with a whole line. */
  #adopt(fd: number): void {
    this.#reap();
    const isSame = this.#target.isSame(fd);
    const left = this.#target.goOn(fd);
    if (left) this.#abandoned.add(left.fd, left.background, this.#backlog.dropFirst() ?? new Uint8Array());
    // If the descriptor refers to the same file or FIFO, a partly written line is completed. Otherwise its rest is
    // dropped.
    const rest = isSame ? undefined : this.#backlog.dropLineRest();
    if (rest) this.#overflow.drop(rest);
  }

  /** Closes the files of abandoned writes that have ended, and counts the lines that were not written. */
  #reap(): void {
    this.#writtenBytes += this.#abandoned.reap((lines) => this.#overflow.drop(lines));
  }
}
