/** Calls to a filesystem that may never answer. A thread of the runtime makes each call, and never the main thread. */
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
/** open(2): the descriptor only refers to a path, and the file itself is not opened. */
const O_PATH = 0o10000000;
const TO_APPEND = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK;

/**
 * Opens a folder. A file opened through its descriptor is in this folder, even if another folder has its name by then.
 * @param followsLinks whether the last component may be a link; if not, a link fails with ENOTDIR
 */
export function openFolder(path: string, followsLinks: boolean): Promise<number> {
  return openPath(path, O_PATH | O_DIRECTORY | (followsLinks ? 0 : O_NOFOLLOW));
}

/** Opens a path of any kind, to read its status. A link is not followed. */
export function openName(path: string): Promise<number> {
  return openPath(path, O_PATH | O_NOFOLLOW);
}

/**
 * Opens a file to append to, or creates it, readable by its owner only. Does not wait for the reader of a FIFO.
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
      // With O_EXCL, a link whose target is missing fails with EEXIST. Its target is created without O_EXCL.
      const isDangling = tries > 0 && followsLinks;
      return { fd: await openPath(path, flags | O_CREAT | (isDangling ? 0 : O_EXCL)), isNew: true };
    } catch (error) {
      // Another program has created the file in between, and may have removed it again.
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
