import { fstatSync } from "node:fs";
import { isNullDevice } from "../sys/null-device.ts";

/**
 * Whether a file descriptor is a terminal. Node's tty module brings 2.6 MB of streams along, so it is loaded only for a
 * descriptor that can be a terminal: files, pipes, sockets and /dev/null cannot.
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
