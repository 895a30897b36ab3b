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

/**
 * The start of the names of such folders; the purpose of the folder follows. A run of any kind removes folders that
 * other runs have left.
 */
export const FOLDER_PREFIXES = {
  compare: "linnix-compare-",
  overhead: "linnix-overhead-",
  workload: "linnix-workload-",
} as const;

/**
 * A folder for this process alone (0700) in the folder for temporary files; gone when disposed. flock(2) holds it and
 * ends with the process, so a later run of any kind removes what a killed one left.
 */
export class PrivateFolder implements Disposable {
  readonly path: string;
  readonly #fd: number;

  /**
   * @param prefix how the folders of all runs of its kind begin, such as `linnix-overhead-`
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

/** @returns null if the sweep of another run came first and removed it */
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

/** Removes the folders of that prefix that are this user's and that no process holds. */
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
    // By the descriptor: another account may have put something else at the name.
    for (const name of namesIn(`/proc/self/fd/${fd}`)) {
      rmSync(`/proc/self/fd/${fd}/${name}`, { recursive: true, force: true });
    }
    rmdirSync(path);
  } catch {
    // Gone meanwhile, no folder, or not ours to remove.
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

/** Whether the lock is held now. Without locks in the filesystem everything works except removing old folders. */
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
