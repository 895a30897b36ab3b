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

/** The descriptor that an output writes to: its kind, how to write to it, and how to open it again. */
export class OutputTarget {
  readonly #path: string | undefined;
  readonly #owner: FileOwner | undefined;
  #fd: number;
  readonly #ownsFd: boolean;
  readonly isFile: boolean;
  readonly isFifo: boolean;
  /** A socket, as sshd and the parents of many services pass it. Unlike a pipe it cannot be opened again. */
  readonly #isSocket: boolean;
  /** Whether it is a file that is not appended to, so that other processes may move the position of the descriptor. */
  readonly isShared: boolean;
  /** Undefined if a write cannot block. */
  background: BackgroundWrite | undefined;
  #position: number;

  /**
   * @param path path of the file that was opened; undefined for a descriptor that must stay open
   * @param owner the account that becomes the owner of new files
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
   * Writes without blocking.
   * @param failed called with the error of a failed write
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

  /** Notes that bytes were written. */
  progressed(written: number): void {
    this.#position += written;
  }

  /** Cuts off a partly written line at the end of the file. The line is written again later. */
  async cutToWholeLines(backlog: Backlog): Promise<void> {
    const fd = this.#fd;
    const size = await sizeOf(fd);
    // The file is not cut if other processes have written to it, or if another file was opened in the meantime.
    if (fd !== this.#fd || size !== this.#position) return;
    await truncateFile(fd, this.#position - backlog.partBytes);
    this.#position -= backlog.rewind();
  }

  /**
   * Opens the path again, for {@link goOn}. Only if `canReopen`.
   * @throws NoReader, LinnixError: see `openOutputFile`
   */
  openAgain(): Promise<number> {
    return openOutputFile(this.#path as string, this.#owner);
  }

  /** Whether a descriptor refers to the same file or FIFO as the current one. */
  isSame(fd: number): boolean {
    return fileStatus(fd).identity === fileStatus(this.#fd).identity;
  }

  /**
   * Continues with another descriptor.
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

  /** @throws an error whose `code` is the errno's name, because some filesystems report a failed write only at close */
  async close(): Promise<void> {
    // A write that hangs needs its descriptor. The kernel closes it when the process ends.
    if (!this.#ownsFd || this.background?.isUnderWay) return;
    if (this.isFile) await closeFile(this.#fd);
    else closeSync(this.#fd);
  }
}
