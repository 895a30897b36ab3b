import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LinnixError } from "../errors.ts";
import { lockFile } from "../sys/flock.ts";
import { cannotPlace, cannotUseFolder, ignore, OWN_FOLDER } from "./socket-errors.ts";

const PREFIX = ".linnix-";
/** How long to wait for another collector that makes a socket at the same path, which usually takes milliseconds. */
const WAIT_MS = 2000;
const LOOK_MS = 10;

/**
 * A private folder next to the path of a socket, in which the socket is made. Only this account can read or change the
 * folder. A collector locks it with flock(2), so that only one collector at a time makes a socket at that path. The
 * lock ends with the process, so the next collector can use and remove the folder of a killed one.
 */
export class SocketFolder implements Disposable {
  readonly #name: string;
  readonly #fd: number;

  private constructor(name: string, fd: number) {
    this.#name = name;
    this.#fd = fd;
    ignore(() => unlinkSync(this.socket));
  }

  /**
   * Makes and locks the folder.
   * @param path final path of the socket
   * @throws LinnixError if the folder cannot be used, or if another collector has it locked for too long
   */
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
        throw cannotPlace(path, "another linnix is starting to listen there", "stop it, or choose another path");
      }
      await Bun.sleep(LOOK_MS);
    }
  }

  /** The path at which the socket is made. It leads into this folder even if another folder has taken its name. */
  get socket(): string {
    return `/proc/self/fd/${this.#fd}/s`;
  }

  [Symbol.dispose](): void {
    // Removed while it is still locked: a collector that waits for the lock sees this, and makes a new folder.
    ignore(() => rmdirSync(this.#name));
    closeSync(this.#fd);
  }
}

/**
 * Opens the folder, and makes it if it does not exist.
 * @param path path of the socket, for messages
 * @returns descriptor of the folder; undefined if another process removed it in between
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
 * @returns whether this process now has the lock, and `name` is still this folder
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
  return cannotPlace(path, `${name} exists, and it is not a folder of this user alone`, `remove it, or ${OWN_FOLDER}`);
}
