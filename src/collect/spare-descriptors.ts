import { closeSync, openSync } from "node:fs";
import { log } from "../config/log.ts";

/** How often is said that there are none, ms. */
const SAY_EVERY_MS = 60_000;

/**
 * Puts off what needs file descriptors where there are none: clients of the API may have taken them all for a while. It
 * asks before, for much of what meets EMFILE on its way takes it for a process that has ended, or a kernel that offers
 * less.
 */
export class SpareDescriptors {
  #saidMs = Number.NEGATIVE_INFINITY;

  /**
   * @param count descriptors that it needs at once
   * @param action is to be tried again later where it was not done
   * @returns whether it was done
   */
  use(count: number, action: () => void): boolean {
    try {
      if (canOpen(count)) {
        action();
        return true;
      }
    } catch (error) {
      // Others may have been quicker after all.
      if (!isWantOfDescriptors(error)) throw error;
    }
    this.#say();
    return false;
  }

  #say(): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidMs < SAY_EVERY_MS) return;
    this.#saidMs = nowMs;
    log.warn("no file descriptors are left: what needs some, such as sampling, waits; process events go on");
  }
}

/** By this process, or by the whole machine. */
function isWantOfDescriptors(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}

function canOpen(count: number): boolean {
  const fds: number[] = [];
  try {
    // Always there. Whether there is a descriptor is asked before whether it may be opened (fs/open.c).
    while (fds.length < count) fds.push(openSync("/", "r"));
  } catch (error) {
    if (isWantOfDescriptors(error)) return false;
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return true;
}
