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
 * Where more than this has come in one turn, it is not gathered further. More than a second of JSON Lines at 300 processes
 * a second: a second write of the same turn costs one more turn of the event loop.
 */
export const BATCH_BYTES = 512 * 1024;
/** Time until an output that failed is tried again. */
const RETRY_MS = 2000;
/** How long a reopened output waits for the old file to take what was gathered. */
const OLD_FILE_MS = 1000;
const LOOK_MS = 5;

/** Errors after which the file itself is unchanged, so the output does not open it again. */
const KEEPS_FILE = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EAGAIN", "ENOMEM"]);

const NO_FILE = "it is no regular file any more";

/** Why the last write failed. */
export interface Trouble {
  code: string;
  error: Error;
}

/** Writes what waits in a backlog, tries again after an error, and goes on in another file. */
export class OutputWriter {
  readonly #target: OutputTarget;
  readonly #backlog: Backlog;
  readonly #overflow: Overflow;
  readonly #goesOn: boolean;
  readonly #abandoned = new AbandonedWrites();
  #writtenBytes = 0;
  #trouble: Trouble | undefined;
  #retryMs = 0;
  /** Work on the file that must end before the next write. */
  #isBusy = false;
  #progressMs = 0;
  #reopening: Promise<boolean> | undefined;
  #nextReopening: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param backlog what waits to be written
   * @param overflow counts what is not written
   * @param goesOn whether the run continues without its output
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

  /** For how long nothing was written of what waits, ms. */
  get stalledMs(): number {
    return this.#backlog.isEmpty ? 0 : performance.now() - this.#progressMs;
  }

  /** Why nothing can be written; undefined while nothing is wrong. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Whether all work on written lines is done. */
  get isSettled(): boolean {
    return !this.#isBusy;
  }

  /** Call it before lines begin to wait. */
  begins(): void {
    if (this.#backlog.isEmpty) this.#progressMs = performance.now();
  }

  /** Writes these lines without a wait. @returns how many bytes were written before the reader had no room left */
  writeNow(lines: Uint8Array): number {
    const done = this.#target.writeNow(lines, (error) => this.#failed(error));
    this.#writtenBytes += done;
    return done;
  }

  /** Writes as much as can be written now of what waits. @returns whether nothing waits any more */
  retry(): boolean {
    if (!this.#abandoned.isEmpty) this.#reap();
    if (this.#backlog.isEmpty) return true;
    if (this.#isBusy) return false;
    // What is under way may be the write that ends the trouble.
    return this.#target.background?.isUnderWay || this.#mayBegin() ? this.#writeOn() : false;
  }

  /** The next try needs no pause. */
  hurry(): void {
    this.#retryMs = 0;
  }

  /** Counts what files that were left have not taken, as nothing waits for it any more. */
  giveUpAbandoned(): void {
    this.#reap();
    this.#abandoned.giveUp((lines) => this.#overflow.giveUp(lines));
  }

  /**
   * Opens its file again by its name, as is done when a log is rotated: where it was moved away a new one is made, and
   * what is written from now on goes there.
   * @returns false if it is no file of its own, and nothing was done
   * @throws LinnixError (exit code 2) when it cannot be opened; the old file is kept then
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
    // The name may refer to another file now than when that opening began.
    this.#nextReopening ??= under
      .catch(() => {})
      .then(() => {
        this.#nextReopening = undefined;
        return this.reopen();
      });
    return this.#nextReopening;
  }

  /** @throws an error whose `code` is the errno's name: some filesystems write only now, and fail only now */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { background } = this.#target;
    if (background?.isUnderWay) background.result();
    if (!this.#isBusy) await this.#target.close();
  }

  /** Whether a write may begin now; if not, opens the output again where that is due. */
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

  /** How much a write that has ended wrote; null if it is under way, or has failed. */
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
    // Where others share the position, what is written next would leave a hole behind the cut.
    const mayCut = this.#target.isFile && !(this.#target.isShared && this.#goesOn);
    if (!mayCut || !this.#backlog.isAmidLine) return;
    void this.#whileBusy(() => this.#target.cutToWholeLines(this.#backlog));
  }

  async #whileBusy(action: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await action();
    } catch {
      // The error of the write says enough.
    } finally {
      this.#isBusy = false;
    }
  }

  /** A descriptor whose filesystem was unmounted, or a FIFO's whose reader has gone, does not recover. */
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

  /** Goes on with another descriptor; another file begins with a whole line. */
  #adopt(fd: number): void {
    this.#reap();
    const isSame = this.#target.isSame(fd);
    const left = this.#target.goOn(fd);
    if (left) this.#abandoned.add(left.fd, left.background, this.#backlog.dropFirst() ?? new Uint8Array());
    // The same file, or the same FIFO with what the last reader left in it: the line is completed there.
    const rest = isSame ? undefined : this.#backlog.dropLineRest();
    if (rest) this.#overflow.drop(rest);
  }

  /** Closes the files that were left, once they have answered, and counts what they did not take. */
  #reap(): void {
    this.#writtenBytes += this.#abandoned.reap((lines) => this.#overflow.drop(lines));
  }
}
