import { fstatSync } from "node:fs";
import { isNullDevice } from "../sys/null-device.ts";

/**
 * Whether a file descriptor is a terminal. Node's tty module loads streams, and so takes 2.6 MB of memory. This
 * function loads the module only for a descriptor that can be a terminal, and not for files, pipes, sockets and
 * /dev/null.
 */
export async function isTerminal(fd: number): Promise<boolean> {
  try {
    const stats = fstatSync(fd);
    if (!stats.isCharacterDevice() || isNullDevice(stats)) {
      return false;
    }
  } catch {
    return false;
  }
  const { isatty } = await import("node:tty");
  return isatty(fd);
}
