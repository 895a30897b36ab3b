import { chmodSync, chownSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { usageError } from "../errors.ts";
import { refusalCode, refusalHint } from "../sys/refusal.ts";
import { isSocketInUse } from "../sys/unix-address.ts";
import { cannotPlace, cannotUseFolder, ignore } from "./socket-errors.ts";
import { SocketFolder } from "./socket-folder.ts";

/** Room in `sun_path`, its final NUL apart: unix(7). */
const MAX_PATH_BYTES = 107;

/** A socket at its place, and its removal. */
export interface PlacedSocket {
  /** Removes the socket file, unless another file is now at its path. */
  remove(): void;
}

/** The account that may connect, besides root; default: the one that runs linnix. */
export interface SocketOwner {
  uid: number;
  gid: number;
  /** Whether all members of that group may connect as well. */
  isShared?: boolean;
}

/**
 * Makes a Unix socket at `path`, mode 0600, or 0660 if a group may use it too. linnix makes the socket in a private
 * folder next to its path, and moves it there when it is ready. So no other account can connect before that, linnix
 * follows no link, and it replaces only a dead socket. A descriptor refers to that folder. So an account that may write
 * next to it, such as that of `--user`, cannot replace the folder to get the ownership of other files. The folder is
 * also locked: of several collectors that start at the same moment one gets the place.
 *
 *
 * @param listen binds to the path that it gets
 * @throws LinnixError if it cannot be made (exit code 3), or if something else than a dead socket is there
 */
export async function placeSocket(
  path: string,
  owner: SocketOwner | undefined,
  listen: (path: string) => void,
): Promise<PlacedSocket> {
  checkLength(path);
  checkPlace(path);
  using folder = await SocketFolder.open(path);
  // A faster collector listens there by now. The lock keeps others out from here on.
  checkPlace(path);
  const made = folder.socket;
  try {
    const umask = process.umask(0o177);
    try {
      listen(made);
    } finally {
      process.umask(umask);
    }
    chmodSync(made, 0o600);
    if (owner) giveTo(owner, made, path);
    if (owner?.isShared) chmodSync(made, 0o660);
    const { ino, dev } = lstatSync(made);
    renameSync(made, path);
    return { remove: () => removeSocket(path, ino, dev) };
  } catch (cause) {
    ignore(() => unlinkSync(made));
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw cannotPlace(path, cause.message, refusalHint(refusalCode(cause)) ?? undefined);
  }
}

/** @param path what the user calls it */
function giveTo({ uid, gid, isShared }: SocketOwner, made: string, path: string): void {
  try {
    chownSync(made, uid, gid);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== "EPERM") throw cannotPlace(path, message);
    const to = isShared ? `user ${uid} and group ${gid}` : `user ${uid}`;
    const why = `it may not be given to ${to}, which takes CAP_CHOWN`;
    throw cannotPlace(path, why, "add that capability, or listen at an address such as 127.0.0.1:3000");
  }
}

function checkLength(path: string): void {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return;
  const why = `at most ${MAX_PATH_BYTES} bytes can name a socket`;
  throw usageError("socket-path", { what: `${path} is too long for a socket`, why, hint: "choose a shorter one" });
}

/** Refuses a place where something is that must stay. */
function checkPlace(path: string): void {
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return;
    throw cannotUseFolder(path, cause as NodeJS.ErrnoException);
  }
  if (!isSocket) throw cannotPlace(path, "something is there that is no socket");
  if (isSocketInUse(path)) throw cannotPlace(path, "another program listens there");
}

function removeSocket(path: string, ino: number, dev: number): void {
  ignore(() => {
    const now = lstatSync(path);
    if (now.ino === ino && now.dev === dev) unlinkSync(path);
  });
}
