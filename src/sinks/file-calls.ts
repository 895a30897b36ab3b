/** Calls to a filesystem that may never answer: each is made by a thread of the runtime, never by this one. */
import { close, constants, fchown, fstat, ftruncate, open, stat } from "node:fs";

export function sizeOf(fd: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fstat(fd, (error, status) => (error ? reject(error) : resolve(status.size)));
  });
}

export function isFifo(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    stat(path, (error, status) => resolve(!error && status.isFIFO()));
  });
}

export function truncateFile(fd: number, length: number): Promise<void> {
  return new Promise((resolve, reject) => {
    ftruncate(fd, length, (error) => (error ? reject(error) : resolve()));
  });
}

export function closeFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    close(fd, (error) => (error ? reject(error) : resolve()));
  });
}

const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_NOCTTY, O_NONBLOCK, O_NOFOLLOW, O_DIRECTORY } = constants;
/** open(2): names a file, opens nothing. */
const O_PATH = 0o10000000;
const TO_APPEND = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK;

/**
 * A folder by a descriptor: what is opened there is in it, whatever is at its name by then.
 * @param followsLinks whether its last component may be a link; if not, a link is ENOTDIR
 */
export function openFolder(path: string, followsLinks: boolean): Promise<number> {
  return openPath(path, O_PATH | O_DIRECTORY | (followsLinks ? 0 : O_NOFOLLOW));
}

/** Anything by a descriptor, a link as such. */
export function openName(path: string): Promise<number> {
  return openPath(path, O_PATH | O_NOFOLLOW);
}

/**
 * Opens a file to write at its end; one that is new is readable by its owner only. Does not wait for a FIFO's reader.
 * @param followsLinks whether its last component may be a link
 * @throws an error whose `code` is the errno's name
 */
export async function openToAppend(path: string, followsLinks: boolean): Promise<{ fd: number; isNew: boolean }> {
  const flags = TO_APPEND | (followsLinks ? 0 : O_NOFOLLOW);
  for (let tries = 0; ; tries++) {
    try {
      return { fd: await openPath(path, flags), isNew: false };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    try {
      // A link whose target is missing exists by name: its target is made without O_EXCL.
      const isDangling = tries > 0 && followsLinks;
      return { fd: await openPath(path, flags | O_CREAT | (isDangling ? 0 : O_EXCL)), isNew: true };
    } catch (error) {
      // Another program was faster, and perhaps has removed it again.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || tries > 2) throw error;
    }
  }
}

export function giveFile(fd: number, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    fchown(fd, uid, gid, (error) => (error ? reject(error) : resolve()));
  });
}

function openPath(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}
