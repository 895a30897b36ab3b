import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { lockFile } from "./flock.ts";
import { refusalCode } from "./refusal.ts";
import { makeTempFolder } from "./temp-folder.ts";

const TRIES = 5;

/** The beginning of the names of private folders. A run of any kind removes folders that other runs have left. */
export const FOLDER_PREFIXES = {
  compare: "linnix-compare-",
  overhead: "linnix-overhead-",
  workload: "linnix-workload-",
} as const;

/**
 * A folder for this process alone (0700) in the folder for temporary files; removed when disposed. This process locks
 * the folder by flock(2). The lock ends with the process, so a later run of any kind removes the folder of a killed
 * one.
 */
export class PrivateFolder implements Disposable {
  readonly path: string;
  readonly #fd: number;

  /**
   * @param prefix the beginning of the folder's name, such as `linnix-overhead-`
   * @throws LinnixError (exit code 3) if nothing can be written there
   */
  constructor(prefix: string) {
    const start = join(tmpdir(), prefix);
    for (const each of new Set([prefix, ...Object.values(FOLDER_PREFIXES)])) sweep(join(tmpdir(), each));
    for (let tries = 1; ; tries++) {
      const held = makeHeld(prefix, tries === TRIES);
      if (held !== null) {
        this.path = held.path;
        this.#fd = held.fd;
        return;
      }
      if (tries === TRIES) throw new Error(`no folder could be kept at ${start}`);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    closeSync(this.#fd);
  }
}

/** @returns null if the sweep of another run has removed the new folder before it was locked */
function makeHeld(prefix: string, isLast: boolean): { path: string; fd: number } | null {
  let fd: number | undefined;
  try {
    const path = makeTempFolder(prefix);
    fd = openFolder(path);
    if (isOurs(fd) && hold(fd) && isAt(fd, path)) return { path, fd };
  } catch (error) {
    if (isLast || refusalCode(error) !== "ENOENT" || !existsSync(tmpdir())) throw error;
  }
  if (fd !== undefined) closeSync(fd);
  return null;
}

/** Removes the folders with that prefix that belong to this user and that no process has locked. */
function sweep(start: string): void {
  for (const name of namesIn(dirname(start))) {
    if (name.startsWith(basename(start))) removeUnheld(join(dirname(start), name));
  }
}

function removeUnheld(path: string): void {
  let fd: number | undefined;
  try {
    fd = openFolder(path);
    if (!isOurs(fd) || !lockFile(fd)) return;
    // The content is removed through the descriptor, because another account may have put something else at the path.
    for (const name of namesIn(`/proc/self/fd/${fd}`)) {
      rmSync(`/proc/self/fd/${fd}/${name}`, { recursive: true, force: true });
    }
    rmdirSync(path);
  } catch {
    // It was removed in the meantime, is not a folder, or this user may not remove it.
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function openFolder(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

function isOurs(fd: number): boolean {
  const { uid, mode } = fstatSync(fd);
  return uid === process.geteuid?.() && (mode & 0o077) === 0;
}

/**
 * Locks the folder. Returns true also if the filesystem has no locks: then only the removal of old folders does not
 * work.
 */
function hold(fd: number): boolean {
  try {
    return lockFile(fd);
  } catch {
    return true;
  }
}

function isAt(fd: number, path: string): boolean {
  const { ino, dev } = fstatSync(fd);
  const now = lstatSync(path, { throwIfNoEntry: false });
  return now?.ino === ino && now.dev === dev;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
