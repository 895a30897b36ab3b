import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cannotRunError, usageError } from "../errors.ts";

/**
 * The file of a report. It is created at the start of the run, under another name in the same folder. So a run of
 * minutes does not end with "permission denied". It gets its final name when it is complete, so that readers never see
 * an incomplete report. A link with the final name is replaced and not followed.
 */
export class ReportFile implements Disposable {
  readonly path: string;
  #begun: { fd: number; path: string } | null;

  private constructor(path: string, begun: { fd: number; path: string }) {
    this.path = path;
    this.#begun = begun;
  }

  /**
   * Creates the file.
   * @param option the option that names the file, for errors
   * @throws LinnixError (exit code 2) if the file cannot be written
   */
  static begin(path: string, option: string): ReportFile {
    if (isDirectory(path)) throw unwritable(path, option, "it is a directory");
    const suffix = randomBytes(6).toString("hex");
    const draft = join(dirname(path), `.${basename(path)}.${suffix}`);
    try {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      return new ReportFile(path, {
        fd: openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644),
        path: draft,
      });
    } catch (cause) {
      throw unwritable(path, option, reasonOf(cause), cause);
    }
  }

  /** Writes the report and gives the file its final name. @throws LinnixError (exit code 3) if that fails */
  finish(text: string): void {
    const begun = this.#begun;
    if (begun === null) throw new Error("closed");
    try {
      writeFileSync(begun.fd, text);
      renameSync(begun.path, this.path);
      this.#begun = null;
      closeSync(begun.fd);
    } catch (cause) {
      throw cannotRunError(
        "report-file",
        {
          what: `writing ${this.path} failed`,
          why: reasonOf(cause),
          hint: "free some space, or name a file in another folder",
        },
        { cause },
      );
    }
  }

  [Symbol.dispose](): void {
    const begun = this.#begun;
    this.#begun = null;
    if (begun === null) return;
    closeSync(begun.fd);
    try {
      unlinkSync(begun.path);
    } catch {
      // Another process has removed it.
    }
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // The file does not exist or is not visible. Opening it will show the error.
    return false;
  }
}

const REASON: Record<string, string> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of the path is not a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the filesystem is read-only",
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
};

function reasonOf(cause: unknown): string {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return REASON[code] ?? (code || message);
}

function unwritable(path: string, option: string, why: string, cause?: unknown) {
  const text = {
    what: `${option} ${path} cannot be written`,
    why,
    hint: "name a file in a folder that can be written to",
  };
  return usageError("report-file", text, { cause });
}
