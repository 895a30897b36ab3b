import { cannotRunError, type LinnixError, usageError } from "../errors.ts";

/** The reader of the output has closed it, as `| head` does. The run then ends without an error message. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** The FIFO to open has no reader yet. */
export class NoReader extends Error {
  override readonly name = "NoReader";
}

/** The errno name of a failed call. */
export function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? "";
}

const WHY_NOT_OPENED: { [code: string]: string } = {
  EISDIR: "it is a directory",
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of the path is not a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the filesystem is read-only",
  ENXIO: "it is a FIFO without a reader, a socket, or a device that is not there",
};

/** @returns the error for an `--output` that cannot be opened */
export function outputError(path: string, code: string, cause: unknown): LinnixError {
  return usageError(
    "output",
    {
      what: `--output ${path} cannot be written`,
      why: WHY_NOT_OPENED[code] ?? code,
      hint: "name a file in a folder that this user may write to",
      setting: "output.file",
    },
    { cause },
  );
}

const WHY_NOT_WRITTEN: { [code: string]: string } = {
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would grow past the limit on file sizes",
  EIO: "input/output error",
  EROFS: "the filesystem is read-only",
  ESTALE: "the server does not know the file any more",
  ENOTCONN: "the filesystem is not connected any more",
  EPIPE: "its reader has gone",
  ECONNRESET: "its reader has gone",
  ENXIO: "its reader has gone",
};

/** @returns why a write failed, as one clause */
export function whyNotWritten(code: string): string {
  return WHY_NOT_WRITTEN[code] ?? code;
}

/** @returns the error for a failed write to an output */
export function writeError(name: string, code: string, cause: unknown): LinnixError {
  return cannotRunError(
    "output-full",
    {
      what: `writing to ${name} failed`,
      why: whyNotWritten(code),
      hint: "earlier lines are complete; free some space, or choose another file with --output",
    },
    { cause },
  );
}

/** @returns the error for an output to which the last lines of a run could not be written */
export function stuckOutputError(name: string, why: string): LinnixError {
  return cannotRunError("output-stuck", {
    what: `the last events and the summary could not be written to ${name}`,
    why,
    hint: "the last line in the output may be incomplete; check the program that reads the pipe, or the disk",
  });
}
