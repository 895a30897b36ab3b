import { constants, openSync } from "node:fs";
import { fileStatus } from "./file-status.ts";

/**
 * Opens a pipe or terminal again, as a non-blocking descriptor. Then neither a reader that does not read nor Ctrl-S
 * keeps this process from handling signals. The descriptor is opened again because the flag would affect all processes
 * that share the given one, such as a shell. @returns `fd` itself if it is neither a pipe nor a terminal, or may not be
 * opened (a terminal after su(1))
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
