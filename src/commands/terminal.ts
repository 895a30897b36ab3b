import { fstatSync } from "node:fs";

/**
 * Whether a file descriptor is a terminal. Node's tty module, which would tell, brings 2.6 MB of streams along: it is
 * only asked about what can be a terminal at all, which files, pipes, sockets and /dev/null cannot.
 */
export async function isTerminal(fd: number): Promise<boolean> {
  try {
    const stats = fstatSync(fd);
    // Device 1:3, Documentation/admin-guide/devices.txt of the kernel.
    const isNull = stats.rdev === (1 << 8) + 3;
    if (!stats.isCharacterDevice() || isNull) {
      return false;
    }
  } catch {
    return false;
  }
  const { isatty } = await import("node:tty");
  return isatty(fd);
}
