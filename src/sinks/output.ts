import type { Unwritten } from "../wire/unwritten.ts";
import { Backlog } from "./backlog.ts";
import { type FileOwner, openOutputFile } from "./open-file.ts";
import { OutputClosed } from "./output-errors.ts";
import { OutputTarget } from "./output-target.ts";
import { BATCH_BYTES, OutputWriter, type Trouble } from "./output-writer.ts";
import { MAX_WAITING_BYTES, Overflow } from "./overflow.ts";

/** A piece that is shorter than this is copied. */
const ADOPTED_BYTES = 16 * 1024;

export interface OutputOptions {
  /** Whether the run continues if its output fails, as a run with the HTTP API does. Lines are then dropped. */
  goesOn?: boolean;
  /** The account that becomes the owner of new files. */
  owner?: FileOwner | undefined;
}

/**
 * Writes whole lines to a descriptor, and never waits. Pipes, terminals and sockets are written without blocking.
 * Files, and descriptors that may block, are written by another thread.
 */
export class Output {
  readonly #target: OutputTarget;
  readonly #goesOn: boolean;
  readonly #backlog = new Backlog();
  readonly #overflow = new Overflow(BATCH_BYTES);
  readonly #writer: OutputWriter;
  #isLast = false;
  #isGivenUp = false;
  /** Makes the line that is written in place of missing lines. Undefined: no line is written. */
  gapLine: ((missing: Unwritten) => string) | undefined;

  private constructor(fd: number, path: string | undefined, options: OutputOptions) {
    this.#goesOn = options.goesOn ?? false;
    this.#target = new OutputTarget(fd, path, options.owner);
    this.#writer = new OutputWriter(this.#target, this.#backlog, this.#overflow, this.#goesOn);
  }

  /** An output to standard output, or to another descriptor that must stay open. */
  static of(fd: number, options: OutputOptions = {}): Output {
    return new Output(fd, undefined, options);
  }

  /**
   * Opens a file to append to. A new file is readable by its owner only.
   * @throws NoReader if the path is a FIFO without a reader. The FIFO can be opened when it has one
   * @throws LinnixError (exit code 2) if the file cannot be opened
   */
  static async open(path: string, options: OutputOptions = {}): Promise<Output> {
    return new Output(await openOutputFile(path, options.owner), path, options);
  }

  /** Number of bytes that a caller gathers before it writes. */
  get gatherBytes(): number {
    return this.#target.background ? BATCH_BYTES : 64 * 1024;
  }

  /** Whether every account can read the output: true for an existing file whose mode permits that. */
  get isReadableByAll(): boolean {
    return this.#target.isReadableByAll;
  }

  /** The name for messages. */
  get name(): string {
    return this.#target.name;
  }

  /** Why nothing can be written although no write has failed, as one clause. */
  get whyStuck(): string {
    return this.#target.isFile ? "its filesystem does not answer" : "the reader of the output does not read";
  }

  /** Whether the collector must leave further events in the rings. */
  get isBlocked(): boolean {
    if (this.#backlog.isEmpty) return false;
    return this.#mayDrop ? this.#isFull() && !this.#dropsNow() : true;
  }

  /** Whether lines wait to be written, or are being written. */
  get isWaiting(): boolean {
    return !this.#backlog.isEmpty;
  }

  /** Number of bytes that wait to be written, or are being written. */
  get waitingBytes(): number {
    return this.#backlog.bytes;
  }

  /** Bytes that were written so far, to all files of this output. */
  get writtenBytes(): number {
    return this.#writer.writtenBytes;
  }

  /** How long no waiting line has been written, ms; 0 if no lines wait. */
  get stalledMs(): number {
    return this.#writer.stalledMs;
  }

  /** Whether a {@link retry} soon is useful: the run must end, or lines wait that are not part of a running write. */
  get needsLook(): boolean {
    if (this.endsRun) return true;
    if (this.#writer.trouble || this.#backlog.isEmpty) return false;
    const { background } = this.#target;
    return !background || this.#backlog.bytes > (this.#backlog.first?.length ?? 0) || !background.isUnderWay;
  }

  /** Why the last write failed; undefined if it did not fail. */
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

  /** Whether no work on the file, such as opening it again, is running. */
  get isSettled(): boolean {
    return this.#writer.isSettled;
  }

  /** Counts of all lines that were not written so far. */
  get unwritten(): Unwritten {
    return this.#overflow.counts;
  }

  get unwrittenLines(): number {
    return this.#overflow.lines;
  }

  /**
   * Writes `length` bytes, which must be whole lines. If the reader has no room, the rest waits and is written first
   * later. Lines for a file wait until the next {@link retry}. If too many bytes wait and the output may drop lines,
   * these lines are dropped and counted.
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
   * @returns whether the output keeps this memory. If so, the caller must gather the next lines in other memory: see
   *   {@link memory}
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

  /**
   * Memory of at least `bytes` bytes to gather lines in: the memory of an earlier write that has ended, or new memory.
   */
  memory(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#target.background?.isUnderWay) this.#writer.retry();
    return this.#backlog.memoryFor(bytes);
  }

  /** Writes as many waiting lines as possible now. @returns whether no lines wait any more */
  retry(): boolean {
    return this.#writer.retry();
  }

  /** Called at the end of a run: from now on no lines are dropped. */
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
   * Opens the output's file again by its name, for log rotation. If the file was moved away, a new one is created.
   * Later lines go to the file that is now at this name.
   * @returns false if nothing was done, because the output is not a file that linnix opened
   * @throws LinnixError (exit code 2) if the file cannot be opened. Lines then still go to the old file
   */
  reopen(): Promise<boolean> {
    return this.#writer.reopen();
  }

  /** @throws an error whose `code` is the errno's name, because some filesystems report a failed write only at close */
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
