/** Locks on open files: flock(2). */
import { checkLibc, NativeError } from "./errno.ts";
import { libc } from "./libc.ts";

/** sys/file.h */
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Locks a file or folder exclusively until this descriptor is closed or the process ends.
 * @returns false if another descriptor has the lock
 * @throws NativeError if the filesystem does not support locks
 */
export function lockFile(fd: number): boolean {
  try {
    checkLibc("flock", libc().flock(fd, LOCK_EX | LOCK_NB));
    return true;
  } catch (error) {
    if (error instanceof NativeError && error.code === "EAGAIN") return false;
    throw error;
  }
}
