import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { cannotRunError, type LinnixError, usageError } from "../errors.ts";

/** The reader of our output went away, as `| head` does: a quiet end, not an error. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

const WAIT_MS = 2;
const waiting = new Int32Array(new SharedArrayBuffer(4));

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

/** A descriptor that whole lines are written to. */
export class Output implements Disposable {
  readonly #fd: number;
  readonly #path: string | undefined;
  readonly #isFile: boolean;
  #position: number;
  #closed = false;

  private constructor(fd: number, path: string | undefined) {
    this.#fd = fd;
    this.#path = path;
    const status = fstatSync(fd);
    this.#isFile = status.isFile();
    this.#position = status.size;
  }

  /** Standard output, or another descriptor that is not ours to close. */
  static of(fd: number): Output {
    return new Output(fd, undefined);
  }

  /**
   * Opens a file to append to, made readable by its owner only when it is new.
   * @throws LinnixError (exit code 2) when it cannot be opened
   */
  static open(path: string): Output {
    try {
      const { O_WRONLY, O_CREAT, O_APPEND, O_NOCTTY } = constants;
      return new Output(openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY, 0o600), path);
    } catch (cause) {
      throw outputError(path, codeOf(cause), cause);
    }
  }

  /**
   * Writes `length` bytes, which end with a line end; waits when the reader is slow.
   * @throws OutputClosed when the reader is gone
   * @throws LinnixError when the disk is full or fails; the file then ends with the last whole line
   */
  write(bytes: Uint8Array, length: number): void {
    let done = 0;
    while (done < length) {
      try {
        done += writeSync(this.#fd, bytes, done, length - done);
      } catch (cause) {
        const code = codeOf(cause);
        if (code === "EINTR") continue;
        if (code === "EAGAIN") {
          Atomics.wait(waiting, 0, 0, WAIT_MS);
          continue;
        }
        if (code === "EPIPE") throw new OutputClosed();
        this.#cutToWholeLines(bytes, done);
        throw writeError(this.#path ?? "standard output", code, cause);
      }
    }
    this.#position += length;
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
    if (this.#path !== undefined) closeSync(this.#fd);
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
  };
  return usageError(
    "output",
    {
      what: `--output ${path} cannot be written`,
      why: why[code] ?? code,
      mend: "name a file in a directory that this user may write to",
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
