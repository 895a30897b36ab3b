import { constants, fstatSync, openSync } from "node:fs";
import { isNullDevice } from "./null-device.ts";

/**
 * A descriptor of our own that does not block, of a pipe or a terminal: a reader who does not read, and Ctrl-S, cannot
 * keep us from hearing a signal then. The flag would else hold for all who share the descriptor, such as a shell.
 * @returns the given one where there is no such thing, or it is not ours to open (a terminal's after su(1))
 */
export function unblocked(fd: number): number {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const stats = fstatSync(fd);
    const mayBlock = stats.isFIFO() || (stats.isCharacterDevice() && !isNullDevice(stats));
    return mayBlock ? openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY) : fd;
  } catch {
    return fd;
  }
}
