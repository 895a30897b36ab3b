import { closeSync, constants, writeSync } from "node:fs";
import { AioWrite } from "../sys/aio-write.ts";
import { isBackgroundHeld } from "../sys/background-hold.ts";
import { fileStatus } from "../sys/file-status.ts";
import { sendNow } from "../sys/send.ts";
import { unblocked } from "../sys/unblocked.ts";
import { type Unwritten, UnwrittenCount } from "../wire/unwritten.ts";
import { type BackgroundWrite, PoolWrite } from "./background-write.ts";
import { Backlog } from "./backlog.ts";
import { closeFile, sizeOf, truncateFile } from "./file-calls.ts";
import { type FileOwner, isReadableByAll, openOutputFile } from "./open-file.ts";
import { codeOf, NoReader, OutputClosed, outputError, writeError } from "./output-errors.ts";

/**
 * Maximum number of bytes that wait to be written. Further lines are held back or dropped. A run at rest needs none of this memory.
 */
export const MAX_WAITING_BYTES = 1024 * 1024;
/**
 * Where more than this has come in one turn, it is not gathered further. More than a second of JSON Lines at 300 processes
 * a second: a second write of the same turn costs one more turn of the event loop.
 */
const BATCH_BYTES = 512 * 1024;
/** A shorter piece is copied. */
const ADOPTED_BYTES = 16 * 1024;
/** How long the rings hold events back for a full output. After that lines are dropped, if the output may drop. */
const HOLD_MS = 1000;
/** Time until an output that failed is tried again. */
const RETRY_MS = 2000;
/** How long a reopened output waits for the old file to take what was gathered. */
const OLD_FILE_MS = 1000;
const LOOK_MS = 5;

/** Errors after which the file itself is unchanged, so the output does not open it again. */
const KEEPS_FILE = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EAGAIN", "ENOMEM"]);

const NO_FILE = "it is no regular file any more";

export interface OutputOptions {
  /** Whether the run continues without its output, as one that answers over HTTP does. Then lines are dropped. */
  goesOn?: boolean;
  /** The account that gets a file which is made. */
  owner?: FileOwner | undefined;
}

/** A write that had not ended when its file was left. */
interface AbandonedWrite {
  fd: number;
  background: BackgroundWrite;
  lines: Uint8Array;
}

/** Why the last write failed. */
export interface Trouble {
  code: string;
  error: Error;
}

/**
 * A descriptor for whole lines. It never waits: pipes, terminals and sockets are written without blocking, files by
 * another thread.
 */
export class Output {
  readonly #path: string | undefined;
  readonly #goesOn: boolean;
  readonly #owner: FileOwner | undefined;
  readonly #backlog = new Backlog();
  readonly #unwritten = new UnwrittenCount();
  #fd: number;
  #ownsFd: boolean;
  readonly #isFile: boolean;
  readonly #isFifo: boolean;
  /** A socket, as sshd and the parents of many services pass it. Unlike a pipe it cannot be opened again. */
  readonly #isSocket: boolean;
  /** Whether the descriptor has a position that others may move. */
  readonly #isShared: boolean;
  /** Undefined if a write cannot block. */
  #background: BackgroundWrite | undefined;
  /** Writes to files that were left while these were under way; their descriptors stay until they end. */
  readonly #abandoned: AbandonedWrite[] = [];
  #position: number;
  #writtenBytes = 0;
  #trouble: Trouble | undefined;
  #retryMs = 0;
  /** Work on the file that must end before the next write. */
  #isBusy = false;
  #fullSinceMs: number | undefined;
  #isDropping = false;
  #isLast = false;
  #isGivenUp = false;
  #progressMs = 0;
  /** Lines that were dropped since the last one that was kept. */
  #gap = new UnwrittenCount();
  #reopening: Promise<boolean> | undefined;
  #nextReopening: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;
  /** @returns the line that the output gets in the place of missing lines */
  gapLine: ((missing: Unwritten) => string) | undefined;

  private constructor(fd: number, path: string | undefined, options: OutputOptions) {
    this.#path = path;
    this.#goesOn = options.goesOn ?? false;
    this.#owner = options.owner;
    const { kind, isNull, size } = fileStatus(fd);
    this.#isFile = kind === "file";
    this.#isFifo = kind === "fifo";
    this.#isSocket = kind === "socket";
    this.#position = size;
    this.#fd = this.#isFile || this.#isSocket ? fd : unblocked(fd);
    this.#ownsFd = path !== undefined || this.#fd !== fd;
    if (path !== undefined && this.#fd !== fd) closeSync(fd);
    const { flags } = fileStatus(this.#fd);
    this.#isShared = this.#isFile && (flags & constants.O_APPEND) === 0;
    const mayBlock = this.#isFile || (!this.#isSocket && !isNull && (flags & constants.O_NONBLOCK) === 0);
    if (mayBlock) this.#background = this.#isFile && !this.#isShared ? new AioWrite() : new PoolWrite();
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
    return this.#background ? BATCH_BYTES : 64 * 1024;
  }

  /** Whether every account can read what is written: it is a file that was there, with such a mode. */
  get isReadableByAll(): boolean {
    return isReadableByAll(fileStatus(this.#fd));
  }

  /** The name for messages. */
  get name(): string {
    return this.#path ?? "standard output";
  }

  /** Why it takes nothing although no write has failed. */
  get whyStuck(): string {
    return this.#isFile ? "its filesystem does not answer" : "the reader of the output does not read";
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
    return this.#writtenBytes;
  }

  /** For how long nothing was written of what waits, ms. */
  get stalledMs(): number {
    return this.#backlog.isEmpty ? 0 : performance.now() - this.#progressMs;
  }

  /** Whether another try soon can help: bytes wait, no write is running, and no error requires a pause. */
  get needsLook(): boolean {
    if (this.endsRun) return true;
    if (this.#trouble || this.#backlog.isEmpty) return false;
    return (
      !this.#background || this.#backlog.bytes > (this.#backlog.first?.length ?? 0) || !this.#background.isUnderWay
    );
  }

  /** Why nothing can be written; undefined while nothing is wrong. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Whether the run ends with this trouble. A FIFO can get another reader, so it does not end the run. */
  get endsRun(): boolean {
    if (!this.#trouble || this.#goesOn) return false;
    return !(this.#canReopen && this.#isFifo && this.#trouble.error instanceof OutputClosed);
  }

  /** Whether all work on written lines is done. */
  get isSettled(): boolean {
    return !this.#isBusy;
  }

  /** What was dropped so far. */
  get unwritten(): Unwritten {
    return this.#unwritten.counts;
  }

  get unwrittenLines(): number {
    return this.#unwritten.lines;
  }

  /**
   * Takes `length` bytes, which are whole lines. What a reader has no room for is kept and goes first; a file gets what
   * has come at the next {@link retry}. Where too much waits the lines are dropped and counted, if the output may drop.
   */
  write(bytes: Uint8Array, length: number): void {
    const lines = bytes.subarray(0, length);
    if (this.#dropsNow()) {
      this.#drop(lines);
      return;
    }
    if (this.#gap.lines > 0) this.#markGap();
    if (!this.#background && this.#backlog.isEmpty && !this.#trouble) {
      const done = this.#writeNow(lines);
      if (done < length) this.#keep(lines, done);
      return;
    }
    this.#keep(lines, 0);
    if (!this.#background || this.#backlog.bytes >= BATCH_BYTES) this.retry();
  }

  /**
   * Like {@link write}, for a caller that gathers many lines in memory of its own. If other lines wait, the output does
   * not keep memory that is mostly empty, because it counts waiting bytes by the length of the lines.
   * @returns whether the output keeps this memory: the caller gathers the next lines in other memory, see {@link
   *   memory}
   */
  writeFrom(memory: Uint8Array<ArrayBuffer>, length: number): boolean {
    if (this.#background?.isUnderWay) this.retry();
    if (
      !this.#background ||
      length < ADOPTED_BYTES ||
      (!this.#backlog.isEmpty && length < memory.length / 2) ||
      this.#gap.lines > 0 ||
      this.#dropsNow()
    ) {
      this.write(memory, length);
      return false;
    }
    if (this.#backlog.isEmpty) this.#progressMs = performance.now();
    this.#backlog.adopt(memory, length);
    if (this.#backlog.bytes >= BATCH_BYTES) this.retry();
    return true;
  }

  /** At least `bytes` bytes to gather lines in: the memory of the last write if it has ended. */
  memory(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#background?.isUnderWay) this.retry();
    return this.#backlog.memoryFor(bytes);
  }

  /** Writes as much as can be written now of what waits. @returns whether nothing waits any more */
  retry(): boolean {
    if (this.#abandoned.length > 0) this.#reap();
    if (this.#backlog.isEmpty) return true;
    if (this.#isBusy) return false;
    // What is under way may be the write that ends the trouble.
    return this.#background?.isUnderWay || this.#mayBegin() ? this.#writeOn() : false;
  }

  /** Whether a write may begin now; if not, opens the output again where that is due. */
  #mayBegin(): boolean {
    if (this.#trouble && performance.now() < this.#retryMs) return false;
    if (isBackgroundHeld() && (this.#background || this.#trouble)) return false;
    if (!this.#trouble || !this.#canReopen || KEEPS_FILE.has(this.#trouble.code)) return true;
    void this.#whileBusy(() => this.#openAfterTrouble());
    return false;
  }

  /** Drops nothing any more: the end of the run begins. */
  takeAll(): void {
    this.#isLast = true;
    this.#retryMs = 0;
    this.#giveUpAbandoned();
  }

  /** Gives up all waiting and later lines, and counts them. */
  abandon(): void {
    this.#giveUpAbandoned();
    this.#isGivenUp = true;
    for (let lines = this.#backlog.dropFirst(); lines; lines = this.#backlog.dropFirst()) this.#unwritten.add(lines);
  }

  /**
   * Opens its file again by its name, as is done when a log is rotated: where it was moved away a new one is made, and
   * what is written from now on goes there.
   * @returns false if it is no file of its own, and nothing was done
   * @throws LinnixError (exit code 2) when it cannot be opened; the old file is kept then
   */
  reopen(): Promise<boolean> {
    if (!this.#canReopen || !this.#isFile || this.#closing) return Promise.resolve(false);
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
    if (this.#background?.isUnderWay) this.#background.result();
    // A write that hangs needs its descriptor; the end of the process closes it.
    if (!this.#ownsFd || this.#isBusy || this.#background?.isUnderWay) return;
    if (this.#isFile) await closeFile(this.#fd);
    else closeSync(this.#fd);
  }

  get #canReopen(): boolean {
    return this.#path !== undefined && (this.#isFile || this.#isFifo);
  }

  get #mayDrop(): boolean {
    return this.#goesOn || this.#background !== undefined || this.#trouble !== undefined;
  }

  #isFull(): boolean {
    return this.#backlog.bytes >= MAX_WAITING_BYTES;
  }

  #dropsNow(): boolean {
    if (this.#isGivenUp) return true;
    if (this.#isLast || !this.#mayDrop) return false;
    const { bytes } = this.#backlog;
    if (bytes < MAX_WAITING_BYTES) {
      // Waits until there is room for many lines, so that the output has few gaps.
      if (bytes < MAX_WAITING_BYTES / 2) this.#isDropping = false;
      if (!this.#isDropping) this.#fullSinceMs = undefined;
      return this.#isDropping;
    }
    if (this.#isDropping) return true;
    const nowMs = performance.now();
    this.#fullSinceMs ??= nowMs;
    const isLong = nowMs - this.#fullSinceMs >= HOLD_MS;
    this.#isDropping = isLong || this.#trouble !== undefined || bytes >= MAX_WAITING_BYTES + BATCH_BYTES;
    return this.#isDropping;
  }

  #drop(lines: Uint8Array): void {
    this.#unwritten.add(lines);
    this.#gap.add(lines);
  }

  #markGap(): void {
    const line = this.gapLine?.(this.#gap.counts);
    this.#gap = new UnwrittenCount();
    if (line !== undefined) this.#keep(new TextEncoder().encode(line), 0);
  }

  #keep(lines: Uint8Array, written: number): void {
    if (this.#backlog.isEmpty) this.#progressMs = performance.now();
    this.#backlog.keepRest(lines, written);
  }

  #writeOn(): boolean {
    const background = this.#background;
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
        if (!this.#startWrite(background)) return false;
      } else {
        const written = this.#writeNow(first);
        if (written > 0) this.#progressed(written);
        if (written < first.length) return false;
      }
    }
  }

  #progressed(written: number): void {
    this.#backlog.written(written);
    this.#position += written;
    this.#progressMs = performance.now();
    if (written > 0) this.#trouble = undefined;
  }

  /** @returns whether the caller must fetch its result now */
  #startWrite(background: BackgroundWrite): boolean {
    this.#backlog.join(BATCH_BYTES);
    const { first } = this.#backlog;
    if (!first) return false;
    try {
      background.start(this.#fd, first);
    } catch (error) {
      this.#failed(error);
    }
    return false;
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

  /** How many bytes were written before the reader had no room left. */
  #writeNow(lines: Uint8Array): number {
    let done = 0;
    while (done < lines.length) {
      try {
        done += this.#isSocket
          ? sendNow(this.#fd, lines.subarray(done))
          : writeSync(this.#fd, lines, done, lines.length - done);
      } catch (error) {
        const code = codeOf(error);
        if (code === "EINTR") continue;
        if (code !== "EAGAIN") this.#failed(error);
        break;
      }
    }
    this.#writtenBytes += done;
    return done;
  }

  #failed(cause: unknown): void {
    const code = codeOf(cause);
    const isGone = code === "EPIPE" || code === "ECONNRESET";
    this.#retryMs = performance.now() + RETRY_MS;
    this.#trouble = { code, error: isGone ? new OutputClosed() : writeError(this.name, code, cause) };
    // Where others share the position, what is written next would leave a hole behind the cut.
    const mayCut = this.#isFile && !(this.#isShared && this.#goesOn);
    if (mayCut && this.#backlog.isAmidLine) void this.#whileBusy(() => this.#cutToWholeLines());
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

  /** Cuts off the part of a line that was written to the file; the line is written again later. */
  async #cutToWholeLines(): Promise<void> {
    const fd = this.#fd;
    const size = await sizeOf(fd);
    // Others may write to the file behind standard output: then it is not ours to cut. Nor is another file, if it was
    // opened again meanwhile.
    if (fd !== this.#fd || size !== this.#position) return;
    await truncateFile(fd, this.#position - this.#backlog.partBytes);
    this.#position -= this.#backlog.rewind();
  }

  /** A descriptor whose filesystem was unmounted, or a FIFO's whose reader has gone, does not recover. */
  async #openAfterTrouble(): Promise<void> {
    this.#retryMs = performance.now() + RETRY_MS;
    const fd = await openOutputFile(this.#path as string, this.#owner);
    const { kind } = fileStatus(fd);
    if (this.#closing || kind !== (this.#isFile ? "file" : "fifo")) return closeFile(fd);
    this.#adopt(fd);
    this.#isBusy = false;
    this.#writeOn();
  }

  async #openAgain(): Promise<boolean> {
    const path = this.#path as string;
    const fd = await openOutputFile(path, this.#owner).catch((error) => {
      throw error instanceof NoReader ? outputError(path, NO_FILE, error) : error;
    });
    if (this.#closing) {
      await closeFile(fd);
      return false;
    }
    if (fileStatus(fd).kind !== "file") {
      await closeFile(fd);
      throw outputError(path, NO_FILE, undefined);
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
    const isSame = fileStatus(fd).identity === fileStatus(this.#fd).identity;
    const background = this.#background;
    if (background?.isUnderWay) {
      // A write may still be running, because the file does not answer.
      const lines = this.#backlog.dropFirst() ?? new Uint8Array();
      this.#abandoned.push({ fd: this.#fd, background, lines });
    } else if (this.#isFile) {
      closeFile(this.#fd).catch(() => {});
    } else {
      closeSync(this.#fd);
    }
    if (background) this.#background = new AioWrite();
    // The same file, or the same FIFO with what the last reader left in it: the line is completed there.
    const rest = isSame ? undefined : this.#backlog.dropLineRest();
    if (rest) this.#drop(rest);
    this.#fd = fd;
    this.#position = fileStatus(fd).size;
  }

  /** Counts what files that were left have not taken, as nothing waits for it any more. */
  #giveUpAbandoned(): void {
    this.#reap();
    for (const write of this.#abandoned) {
      this.#unwritten.add(write.lines);
      write.lines = new Uint8Array();
    }
  }

  /** Closes the files that were left, once they have answered, and counts what they did not take. */
  #reap(): void {
    for (let i = this.#abandoned.length - 1; i >= 0; i--) {
      const { fd, background, lines } = this.#abandoned[i] as AbandonedWrite;
      let written: number | null = 0;
      try {
        written = background.result();
      } catch {
        // The write failed: nothing was written.
      }
      if (written === null) continue;
      this.#writtenBytes += written;
      if (written < lines.length) this.#drop(lines.subarray(written));
      this.#abandoned.splice(i, 1);
      closeFile(fd).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
