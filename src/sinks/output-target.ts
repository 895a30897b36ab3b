import { closeSync, constants, writeSync } from "node:fs";
import { AioWrite } from "../sys/aio-write.ts";
import { fileStatus } from "../sys/file-status.ts";
import { sendNow } from "../sys/send.ts";
import { unblocked } from "../sys/unblocked.ts";
import { type BackgroundWrite, PoolWrite } from "./background-write.ts";
import type { Backlog } from "./backlog.ts";
import { closeFile, sizeOf, truncateFile } from "./file-calls.ts";
import { type FileOwner, isReadableByAll, openOutputFile } from "./open-file.ts";
import { codeOf } from "./output-errors.ts";

/** The descriptor that an output writes to: what it is, how it is written, and how it is opened again. */
export class OutputTarget {
  readonly #path: string | undefined;
  readonly #owner: FileOwner | undefined;
  #fd: number;
  readonly #ownsFd: boolean;
  readonly isFile: boolean;
  readonly isFifo: boolean;
  /** A socket, as sshd and the parents of many services pass it. Unlike a pipe it cannot be opened again. */
  readonly #isSocket: boolean;
  /** Whether it is a file whose descriptor has a position that others may move. */
  readonly isShared: boolean;
  /** Undefined if a write cannot block. */
  background: BackgroundWrite | undefined;
  #position: number;

  /**
   * @param path undefined: the descriptor is not ours to close
   * @param owner the account that gets a file which is made
   */
  constructor(fd: number, path: string | undefined, owner: FileOwner | undefined) {
    this.#path = path;
    this.#owner = owner;
    const { kind, isNull, size } = fileStatus(fd);
    this.isFile = kind === "file";
    this.isFifo = kind === "fifo";
    this.#isSocket = kind === "socket";
    this.#position = size;
    this.#fd = this.isFile || this.#isSocket ? fd : unblocked(fd);
    this.#ownsFd = path !== undefined || this.#fd !== fd;
    if (path !== undefined && this.#fd !== fd) closeSync(fd);
    const { flags } = fileStatus(this.#fd);
    this.isShared = this.isFile && (flags & constants.O_APPEND) === 0;
    const mayBlock = this.isFile || (!this.#isSocket && !isNull && (flags & constants.O_NONBLOCK) === 0);
    if (mayBlock) this.background = this.isFile && !this.isShared ? new AioWrite() : new PoolWrite();
  }

  /** The name for messages. */
  get name(): string {
    return this.#path ?? "standard output";
  }

  get isReadableByAll(): boolean {
    return isReadableByAll(fileStatus(this.#fd));
  }

  get canReopen(): boolean {
    return this.#path !== undefined && (this.isFile || this.isFifo);
  }

  /**
   * Starts a write in the background.
   * @throws an error whose `code` is the errno's name if no thread can be started
   */
  start(lines: Uint8Array): void {
    this.background?.start(this.#fd, lines);
  }

  /**
   * Writes without a wait.
   * @param failed takes the error of a failed write
   * @returns how many bytes were written before the reader had no room left, or the write failed
   */
  writeNow(lines: Uint8Array, failed: (error: unknown) => void): number {
    let done = 0;
    while (done < lines.length) {
      try {
        done += this.#isSocket
          ? sendNow(this.#fd, lines.subarray(done))
          : writeSync(this.#fd, lines, done, lines.length - done);
      } catch (error) {
        const code = codeOf(error);
        if (code === "EINTR") continue;
        if (code !== "EAGAIN") failed(error);
        break;
      }
    }
    return done;
  }

  /** Takes note of bytes that were written. */
  progressed(written: number): void {
    this.#position += written;
  }

  /** Cuts off the part of a line that was written to the file; the line is written again later. */
  async cutToWholeLines(backlog: Backlog): Promise<void> {
    const fd = this.#fd;
    const size = await sizeOf(fd);
    // Others may write to the file behind standard output: then it is not ours to cut. Nor is another file, if it was
    // opened again meanwhile.
    if (fd !== this.#fd || size !== this.#position) return;
    await truncateFile(fd, this.#position - backlog.partBytes);
    this.#position -= backlog.rewind();
  }

  /**
   * Opens by its name what is to be written from now on, see {@link goOn}. Only if `canReopen`.
   * @throws NoReader, LinnixError: see `openOutputFile`
   */
  openAgain(): Promise<number> {
    return openOutputFile(this.#path as string, this.#owner);
  }

  /** Whether a descriptor is of the file or FIFO that is written now. */
  isSame(fd: number): boolean {
    return fileStatus(fd).identity === fileStatus(this.#fd).identity;
  }

  /**
   * Goes on with another descriptor.
   * @returns the old descriptor and its write, if that may still be running because the file does not answer
   */
  goOn(fd: number): { fd: number; background: BackgroundWrite } | undefined {
    const { background } = this;
    const old = this.#fd;
    const isUnderWay = background?.isUnderWay ?? false;
    if (!isUnderWay) this.#leave();
    if (background) this.background = new AioWrite();
    this.#fd = fd;
    this.#position = fileStatus(fd).size;
    return background && isUnderWay ? { fd: old, background } : undefined;
  }

  #leave(): void {
    if (this.isFile) closeFile(this.#fd).catch(() => {});
    else closeSync(this.#fd);
  }

  /** @throws an error whose `code` is the errno's name: some filesystems write only now, and fail only now */
  async close(): Promise<void> {
    // A write that hangs needs its descriptor; the end of the process closes it.
    if (!this.#ownsFd || this.background?.isUnderWay) return;
    if (this.isFile) await closeFile(this.#fd);
    else closeSync(this.#fd);
  }
}
