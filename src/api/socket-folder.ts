import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LinnixError } from "../errors.ts";
import { lockFile } from "../sys/flock.ts";
import { cannotPlace, cannotUseFolder, ignore, OWN_FOLDER } from "./socket-errors.ts";

const PREFIX = ".linnix-";
/** How long to wait for another collector that makes a socket at the same place: it takes milliseconds. */
const WAIT_MS = 2000;
const LOOK_MS = 10;

/**
 * A folder next to the path of a socket. Only this account can read or change it, and only one of the collectors that
 * make a socket there holds it. flock(2) ends with the process, so the next collector uses and removes what a killed
 * one left.
 */
export class SocketFolder implements Disposable {
  readonly #name: string;
  readonly #fd: number;

  private constructor(name: string, fd: number) {
    this.#name = name;
    this.#fd = fd;
    ignore(() => unlinkSync(this.socket));
  }

  /** @param path the place */
  static async open(path: string): Promise<SocketFolder> {
    const name = join(dirname(path), `${PREFIX}${basename(path)}`);
    const endMs = performance.now() + WAIT_MS;
    for (;;) {
      const fd = openPrivate(name, path);
      if (fd !== undefined) {
        if (isOurs(fd, name, path)) return new SocketFolder(name, fd);
        closeSync(fd);
      }
      if (performance.now() > endMs) {
        throw cannotPlace(path, "another linnix is about to listen there", "end that one, or choose another path");
      }
      await Bun.sleep(LOOK_MS);
    }
  }

  /** The path at which the socket is made. It leads into this folder even if another folder has taken its name. */
  get socket(): string {
    return `/proc/self/fd/${this.#fd}/s`;
  }

  [Symbol.dispose](): void {
    // First, while it is locked: a collector that waits for it then sees that it is gone, and makes another.
    ignore(() => rmdirSync(this.#name));
    closeSync(this.#fd);
  }
}

/**
 * Makes the folder where there is none.
 * @param path what the user calls the place
 * @returns its descriptor; undefined if it was taken away meanwhile
 */
function openPrivate(name: string, path: string): number | undefined {
  try {
    mkdirSync(name, { mode: 0o700 });
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    if (error.code !== "EEXIST") throw cannotUseFolder(path, error);
  }
  let fd: number;
  try {
    fd = openSync(name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR" || code === "ELOOP" || code === "EACCES") throw notOurs(name, path);
    throw cannotPlace(path, message);
  }
  const { uid, mode } = fstatSync(fd);
  if (uid === process.geteuid?.() && (mode & 0o077) === 0) return fd;
  closeSync(fd);
  throw notOurs(name, path);
}

/**
 * Locks the folder.
 * @returns whether this process has it now, and the last holder has not removed it
 */
function isOurs(fd: number, name: string, path: string): boolean {
  try {
    if (!lockFile(fd)) return false;
    const { ino, dev } = fstatSync(fd);
    const now = lstatSync(name, { throwIfNoEntry: false });
    return now?.ino === ino && now.dev === dev;
  } catch (cause) {
    closeSync(fd);
    throw cannotPlace(path, (cause as Error).message);
  }
}

function notOurs(name: string, path: string): LinnixError {
  return cannotPlace(
    path,
    `${name} is there, which is not a folder of this user alone`,
    `take it away, or ${OWN_FOLDER}`,
  );
}
