import type { Unwritten } from "../wire/unwritten.ts";
import { Backlog } from "./backlog.ts";
import { type FileOwner, openOutputFile } from "./open-file.ts";
import { OutputClosed } from "./output-errors.ts";
import { OutputTarget } from "./output-target.ts";
import { BATCH_BYTES, OutputWriter, type Trouble } from "./output-writer.ts";
import { MAX_WAITING_BYTES, Overflow } from "./overflow.ts";

/** A shorter piece is copied. */
const ADOPTED_BYTES = 16 * 1024;

export interface OutputOptions {
  /** Whether the run continues without its output, as one that answers over HTTP does. Then lines are dropped. */
  goesOn?: boolean;
  /** The account that gets a file which is made. */
  owner?: FileOwner | undefined;
}

/**
 * A descriptor for whole lines. It never waits: pipes, terminals and sockets are written without blocking, files by
 * another thread.
 */
export class Output {
  readonly #target: OutputTarget;
  readonly #goesOn: boolean;
  readonly #backlog = new Backlog();
  readonly #overflow = new Overflow(BATCH_BYTES);
  readonly #writer: OutputWriter;
  #isLast = false;
  #isGivenUp = false;
  /** @returns the line that the output gets in the place of missing lines */
  gapLine: ((missing: Unwritten) => string) | undefined;

  private constructor(fd: number, path: string | undefined, options: OutputOptions) {
    this.#goesOn = options.goesOn ?? false;
    this.#target = new OutputTarget(fd, path, options.owner);
    this.#writer = new OutputWriter(this.#target, this.#backlog, this.#overflow, this.#goesOn);
  }

  /** Standard output, or another descriptor that is not ours to close. */
  static of(fd: number, options: OutputOptions = {}): Output {
    return new Output(fd, undefined, options);
  }

  /**
   * Opens a file to append to, made readable by its owner only when it is new.
   * @throws NoReader when it is a FIFO without a reader: it can be opened once it has one
   * @throws LinnixError (exit code 2) when it cannot be opened
   */
  static async open(path: string, options: OutputOptions = {}): Promise<Output> {
    return new Output(await openOutputFile(path, options.owner), path, options);
  }

  /** How much a caller gathers before it writes. A write in the background needs no gathering. */
  get gatherBytes(): number {
    return this.#target.background ? BATCH_BYTES : 64 * 1024;
  }

  /** Whether every account can read what is written: it is a file that was there, with such a mode. */
  get isReadableByAll(): boolean {
    return this.#target.isReadableByAll;
  }

  /** The name for messages. */
  get name(): string {
    return this.#target.name;
  }

  /** Why it takes nothing although no write has failed. */
  get whyStuck(): string {
    return this.#target.isFile ? "its filesystem does not answer" : "the reader of the output does not read";
  }

  /** Whether the rings have to hold back what comes next. */
  get isBlocked(): boolean {
    if (this.#backlog.isEmpty) return false;
    return this.#mayDrop ? this.#isFull() && !this.#dropsNow() : true;
  }

  /** Whether something waits to be written, or is being written. */
  get isWaiting(): boolean {
    return !this.#backlog.isEmpty;
  }

  /** How much that is: less than before says that some of it has been written. */
  get waitingBytes(): number {
    return this.#backlog.bytes;
  }

  /** Bytes that were written so far, to all files of this output. */
  get writtenBytes(): number {
    return this.#writer.writtenBytes;
  }

  /** For how long nothing was written of what waits, ms. */
  get stalledMs(): number {
    return this.#writer.stalledMs;
  }

  /** Whether another try soon can help: bytes wait, no write is running, and no error requires a pause. */
  get needsLook(): boolean {
    if (this.endsRun) return true;
    if (this.#writer.trouble || this.#backlog.isEmpty) return false;
    const { background } = this.#target;
    return !background || this.#backlog.bytes > (this.#backlog.first?.length ?? 0) || !background.isUnderWay;
  }

  /** Why nothing can be written; undefined while nothing is wrong. */
  get trouble(): Trouble | undefined {
    return this.#writer.trouble;
  }

  /** Whether the run ends with this trouble. A FIFO can get another reader, so it does not end the run. */
  get endsRun(): boolean {
    const { trouble } = this.#writer;
    if (!trouble || this.#goesOn) return false;
    const { canReopen, isFifo } = this.#target;
    return !(canReopen && isFifo && trouble.error instanceof OutputClosed);
  }

  /** Whether all work on written lines is done. */
  get isSettled(): boolean {
    return this.#writer.isSettled;
  }

  /** What was dropped so far. */
  get unwritten(): Unwritten {
    return this.#overflow.counts;
  }

  get unwrittenLines(): number {
    return this.#overflow.lines;
  }

  /**
   * Takes `length` bytes, which are whole lines. What a reader has no room for is kept and goes first; a file gets what
   * has come at the next {@link retry}. Where too much waits the lines are dropped and counted, if the output may drop.
   */
  write(bytes: Uint8Array, length: number): void {
    const lines = bytes.subarray(0, length);
    if (this.#dropsNow()) {
      this.#overflow.drop(lines);
      return;
    }
    if (this.#overflow.hasGap) this.#markGap();
    const { background } = this.#target;
    if (!background && this.#backlog.isEmpty && !this.#writer.trouble) {
      const done = this.#writer.writeNow(lines);
      if (done < length) this.#keep(lines, done);
      return;
    }
    this.#keep(lines, 0);
    if (!background || this.#backlog.bytes >= BATCH_BYTES) this.#writer.retry();
  }

  /**
   * Like {@link write}, for a caller that gathers many lines in memory of its own. If other lines wait, the output does
   * not keep memory that is mostly empty, because it counts waiting bytes by the length of the lines.
   * @returns whether the output keeps this memory: the caller gathers the next lines in other memory, see {@link
   *   memory}
   */
  writeFrom(memory: Uint8Array<ArrayBuffer>, length: number): boolean {
    if (this.#target.background?.isUnderWay) this.#writer.retry();
    if (
      !this.#target.background ||
      length < ADOPTED_BYTES ||
      (!this.#backlog.isEmpty && length < memory.length / 2) ||
      this.#overflow.hasGap ||
      this.#dropsNow()
    ) {
      this.write(memory, length);
      return false;
    }
    this.#writer.begins();
    this.#backlog.adopt(memory, length);
    if (this.#backlog.bytes >= BATCH_BYTES) this.#writer.retry();
    return true;
  }

  /** At least `bytes` bytes to gather lines in: the memory of the last write if it has ended. */
  memory(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#target.background?.isUnderWay) this.#writer.retry();
    return this.#backlog.memoryFor(bytes);
  }

  /** Writes as much as can be written now of what waits. @returns whether nothing waits any more */
  retry(): boolean {
    return this.#writer.retry();
  }

  /** Drops nothing any more: the end of the run begins. */
  takeAll(): void {
    this.#isLast = true;
    this.#writer.hurry();
    this.#writer.giveUpAbandoned();
  }

  /** Gives up all waiting and later lines, and counts them. */
  abandon(): void {
    this.#writer.giveUpAbandoned();
    this.#isGivenUp = true;
    for (let lines = this.#backlog.dropFirst(); lines; lines = this.#backlog.dropFirst()) this.#overflow.giveUp(lines);
  }

  /**
   * Opens its file again by its name, as is done when a log is rotated: where it was moved away a new one is made, and
   * what is written from now on goes there.
   * @returns false if it is no file of its own, and nothing was done
   * @throws LinnixError (exit code 2) when it cannot be opened; the old file is kept then
   */
  reopen(): Promise<boolean> {
    return this.#writer.reopen();
  }

  /** @throws an error whose `code` is the errno's name: some filesystems write only now, and fail only now */
  close(): Promise<void> {
    return this.#writer.close();
  }

  get #mayDrop(): boolean {
    return this.#goesOn || this.#target.background !== undefined || this.#writer.trouble !== undefined;
  }

  #isFull(): boolean {
    return this.#backlog.bytes >= MAX_WAITING_BYTES;
  }

  #dropsNow(): boolean {
    if (this.#isGivenUp) return true;
    if (this.#isLast || !this.#mayDrop) return false;
    return this.#overflow.dropsNow(this.#backlog.bytes, this.#writer.trouble !== undefined);
  }

  #markGap(): void {
    const missing = this.#overflow.takeGap();
    const line = this.gapLine?.(missing);
    if (line !== undefined) this.#keep(new TextEncoder().encode(line), 0);
  }

  #keep(lines: Uint8Array, written: number): void {
    this.#writer.begins();
    this.#backlog.keepRest(lines, written);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
