import { closeSync, constants, fstatSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { cannotRunError, type LinnixError, usageError } from "../errors.ts";
import { sendNow } from "../libbpf/send.ts";
import { unblocked } from "../unblocked.ts";

/** The reader of our output went away, as `| head` does: a quiet end, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** Nobody reads the FIFO yet that was to be opened. */
export class NoReader extends Error {
  override readonly name = "NoReader";
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

/** Not blocking: a FIFO that nobody reads must not keep us from hearing a signal. */
function openToAppend(path: string): number {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOCTTY, O_NONBLOCK } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_NONBLOCK, 0o600);
}

function isFifo(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}

/** A descriptor that whole lines are written to. */
export class Output implements Disposable {
  #fd: number;
  readonly #ownsFd: boolean;
  readonly #path: string | undefined;
  readonly #isFile: boolean;
  /** As sshd and the parents of many services give it: it cannot be opened again as a pipe can. */
  readonly #isSocket: boolean;
  #position: number;
  /** What the reader had no room for, in the pieces that it came in: to join them would copy all of it for each new one. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #closed = false;

  private constructor(fd: number, path: string | undefined) {
    this.#fd = unblocked(fd);
    this.#ownsFd = path !== undefined || this.#fd !== fd;
    if (path !== undefined && this.#fd !== fd) closeSync(fd);
    this.#path = path;
    const status = fstatSync(this.#fd);
    this.#isFile = status.isFile();
    this.#isSocket = status.isSocket();
    this.#position = status.size;
  }

  /** Standard output, or another descriptor that is not ours to close. */
  static of(fd: number): Output {
    return new Output(fd, undefined);
  }

  /**
   * Opens a file to append to, made readable by its owner only when it is new.
   * @throws NoReader when it is a FIFO that nobody reads: it can be opened once somebody does
   * @throws LinnixError (exit code 2) when it cannot be opened
   */
  static open(path: string): Output {
    try {
      return new Output(openToAppend(path), path);
    } catch (cause) {
      if (codeOf(cause) === "ENXIO" && isFifo(path)) throw new NoReader();
      throw outputError(path, codeOf(cause), cause);
    }
  }

  /**
   * Opens its file again by its name, as is done when a log is rotated: where it was moved away a new one is made, and
   * what is written from now on goes there.
   * @returns false where it is no file of its own, and nothing was done
   * @throws LinnixError (exit code 2) when it cannot be opened; the old file is kept then
   */
  reopen(): boolean {
    if (this.#path === undefined || !this.#isFile || this.#closed) return false;
    let fd: number;
    try {
      fd = openToAppend(this.#path);
    } catch (cause) {
      throw outputError(this.#path, codeOf(cause), cause);
    }
    const status = fstatSync(fd);
    if (!status.isFile()) {
      closeSync(fd);
      throw outputError(this.#path, "it is no regular file any more", undefined);
    }
    closeSync(this.#fd);
    this.#fd = fd;
    this.#position = status.size;
    return true;
  }

  /** Whether something waits for a slow reader. */
  get isBlocked(): boolean {
    return this.#waiting.length > 0;
  }

  /** How much that is: less than before says that the reader has taken something. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Writes `length` bytes, which end with a line end. What a slow reader has no
   * room for is kept, and goes first next time: stop bringing more while
   * `isBlocked`.
   * @throws OutputClosed when the reader is gone
   * @throws LinnixError when the disk is full or fails; the file then ends with the last whole line
   */
  write(bytes: Uint8Array, length: number): void {
    if (this.isBlocked) {
      this.#keep(bytes.subarray(0, length));
      this.retry();
      return;
    }
    const done = this.#writeSome(bytes, length);
    if (done < length) this.#keep(bytes.subarray(done, length));
  }

  /**
   * Writes what waits, as far as the reader has room.
   * @returns whether nothing waits any more
   */
  retry(): boolean {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const done = this.#writeSome(first, first.length);
      this.#waitingBytes -= done;
      if (done < first.length) {
        this.#waiting[0] = first.subarray(done);
        return false;
      }
      this.#waiting.shift();
    }
    return true;
  }

  /** Copies it, for the caller will use its memory again: a Buffer's own slice() would not. */
  #keep(piece: Uint8Array): void {
    this.#waiting.push(new Uint8Array(piece));
    this.#waitingBytes += piece.length;
  }

  /** How many bytes were written before the reader had no room left. */
  #writeSome(bytes: Uint8Array, length: number): number {
    let done = 0;
    while (done < length) {
      try {
        done += this.#isSocket
          ? sendNow(this.#fd, bytes.subarray(done, length))
          : writeSync(this.#fd, bytes, done, length - done);
      } catch (cause) {
        const code = codeOf(cause);
        if (code === "EINTR") continue;
        if (code === "EAGAIN") break;
        if (code === "EPIPE" || code === "ECONNRESET") throw new OutputClosed();
        this.#cutToWholeLines(bytes, done);
        throw writeError(this.#path ?? "standard output", code, cause);
      }
    }
    this.#position += done;
    return done;
  }

  /** After a failed write: drops the piece of a line that made it to the file. */
  #cutToWholeLines(bytes: Uint8Array, done: number): void {
    if (!this.#isFile || done === 0) return;
    const end = bytes.lastIndexOf(0x0a, done - 1) + 1;
    try {
      // Somebody else may write to the file behind standard output: then it is not ours to cut.
      if (fstatSync(this.#fd).size !== this.#position + done) return;
      ftruncateSync(this.#fd, this.#position + end);
    } catch {
      // The write's own error says enough.
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ownsFd) closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function outputError(path: string, code: string, cause: unknown): LinnixError {
  const why: { [code: string]: string } = {
    EISDIR: "it is a directory",
    ENOENT: "its directory does not exist",
    ENOTDIR: "a part of the path is not a directory",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "the filesystem is read-only",
    ENXIO: "it is a FIFO that nobody reads, a socket, or a device that is not there",
  };
  return usageError(
    "output",
    {
      what: `--output ${path} cannot be written`,
      why: why[code] ?? code,
      mend: "name a file in a directory that this user may write to",
      setting: "output.file",
    },
    { cause },
  );
}

function writeError(name: string, code: string, cause: unknown): LinnixError {
  const why: { [code: string]: string } = {
    ENOSPC: "no space is left on the device",
    EDQUOT: "the disk quota is used up",
    EFBIG: "the file would grow past the limit on file sizes",
    EIO: "input/output error",
  };
  return cannotRunError(
    "output-full",
    {
      what: `writing to ${name} failed`,
      why: why[code] ?? code,
      mend: "what was written before is whole; free some space, or choose another place by --output",
    },
    { cause },
  );
}

/** @returns the error for a reader that keeps the end of the output from being written */
export function stuckReaderError(): LinnixError {
  return cannotRunError("output-stuck", {
    what: "the last events and the summary could not be written",
    why: "the reader of the output does not read",
    mend: "what was written before is whole lines but for the last; look at the program behind the pipe",
  });
}
