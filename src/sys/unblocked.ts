import { constants, openSync } from "node:fs";
import { fileStatus } from "./file-status.ts";

/**
 * A descriptor of our own that does not block, of a pipe or a terminal: a reader who does not read, and Ctrl-S, cannot
 * keep us from hearing a signal then. The flag would else hold for all who share the descriptor, such as a shell.
 * @returns the given one where there is no such thing, or it is not ours to open (a terminal's after su(1))
 */
export function unblocked(fd: number): number {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const { kind, isNull } = fileStatus(fd);
    const mayBlock = kind === "fifo" || (kind === "character-device" && !isNull);
    return mayBlock ? openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY) : fd;
  } catch {
    return fd;
  }
}
