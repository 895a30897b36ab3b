import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cannotRunError, type LinnixError } from "../errors.ts";

/** Size of the probe file that {@link makeTempFolder} writes and removes. A run can write more. */
const ROOM_BYTES = 512 * 1024;

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it is not a folder",
  EACCES: "this user may not write to it",
  EPERM: "this user may not write to it",
  EROFS: "it is mounted read-only",
  ENOSPC: "no space is left there",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the limit on file sizes is too low (ulimit -f, LimitFSIZE= of systemd)",
  EMFILE: "this process has no file descriptor left (ulimit -n, LimitNOFILE= of systemd)",
};

/** @returns the error for a user if nothing can be written to the folder for temporary files */
export function tempFolderError(cause: unknown): LinnixError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const text = {
    what: `nothing can be written to ${tmpdir()}, the folder for temporary files`,
    // Filesystems such as /proc return ENOENT for a new folder.
    why: code === "ENOENT" && existsSync(tmpdir()) ? "no folder can be made there" : (WHY[code] ?? message),
    hint: "set TMPDIR to a folder that this user can write to, with some MiB of free space",
  };
  return cannotRunError("temp-folder", text, { cause });
}

/**
 * Makes a folder for this user alone (0700). A probe file checks that files can be written there.
 * @throws LinnixError (exit code 3)
 */
export function makeTempFolder(prefix: string): string {
  let path: string | undefined;
  try {
    path = mkdtempSync(join(tmpdir(), prefix));
    const probe = join(path, "room");
    writeFileSync(probe, new Uint8Array(ROOM_BYTES), { flag: "wx", mode: 0o600 });
    rmSync(probe);
    return path;
  } catch (cause) {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
    throw tempFolderError(cause);
  }
}
