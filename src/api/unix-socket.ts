import { chmodSync, chownSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { usageError } from "../errors.ts";
import { refusalCode, refusalHint } from "../sys/refusal.ts";
import { isSocketInUse } from "../sys/unix-address.ts";
import { cannotPlace, cannotUseFolder, ignore } from "./socket-errors.ts";
import { SocketFolder } from "./socket-folder.ts";

/** Room in `sun_path` without its final NUL: unix(7). */
const MAX_PATH_BYTES = 107;

/** A socket at its final path. */
export interface PlacedSocket {
  /** Removes the socket file, unless another file is now at its path. */
  remove(): void;
}

/** The account that may connect, besides root. */
export interface SocketOwner {
  uid: number;
  gid: number;
  /** Whether all members of that group may connect as well. */
  isShared?: boolean;
}

/**
 * Makes a Unix socket at `path`, with mode 0600, or 0660 if a group may use it too. linnix makes the socket in a
 * private folder next to `path`, and moves it to `path` when its owner and mode are set. So no other account can
 * connect before that, linnix follows no link, and it replaces only a dead socket. linnix refers to the private folder
 * by a descriptor. So an account that may write next to it, such as the account of `--user`, cannot replace the folder
 * to become the owner of other files. The folder is also locked: if several collectors start at the same moment, one
 * gets the path.
 *
 * @param owner default: the account that runs linnix
 * @param listen listens at the path that it receives
 * @throws LinnixError if the socket cannot be made (exit code 3) or its path is too long (exit code 2)
 */
export async function placeSocket(
  path: string,
  owner: SocketOwner | undefined,
  listen: (path: string) => void,
): Promise<PlacedSocket> {
  checkLength(path);
  checkPlace(path);
  using folder = await SocketFolder.open(path);
  // Another collector may have started to listen there before the folder was locked. From here on none can.
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

/** @param path final path of the socket, for messages */
function giveTo({ uid, gid, isShared }: SocketOwner, made: string, path: string): void {
  try {
    chownSync(made, uid, gid);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== "EPERM") throw cannotPlace(path, message);
    const to = isShared ? `user ${uid} and group ${gid}` : `user ${uid}`;
    const why = `making ${to} its owner needs the capability CAP_CHOWN`;
    throw cannotPlace(path, why, "add that capability, or listen at an address such as 127.0.0.1:3000");
  }
}

function checkLength(path: string): void {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return;
  const why = `the path of a socket has at most ${MAX_PATH_BYTES} bytes`;
  throw usageError("socket-path", { what: `${path} is too long for a socket`, why, hint: "choose a shorter path" });
}

/** @throws LinnixError if something other than a dead socket is at the path */
function checkPlace(path: string): void {
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return;
    throw cannotUseFolder(path, cause as NodeJS.ErrnoException);
  }
  if (!isSocket) throw cannotPlace(path, "the file there is not a socket");
  if (isSocketInUse(path)) throw cannotPlace(path, "another program listens there");
}

function removeSocket(path: string, ino: number, dev: number): void {
  ignore(() => {
    const now = lstatSync(path);
    if (now.ino === ino && now.dev === dev) unlinkSync(path);
  });
}
