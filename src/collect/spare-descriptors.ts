import { closeSync, openSync } from "node:fs";
import { log } from "../config/log.ts";

/** The shortest time between two warnings, ms. */
const SAY_EVERY_MS = 60_000;

/**
 * Delays work that needs file descriptors while too few are left. Clients of the API can take all of them for a while.
 * It checks beforehand, because much code would mistake EMFILE for an ended process, or for a missing feature of the
 * kernel.
 */
export class SpareDescriptors {
  #saidMs = Number.NEGATIVE_INFINITY;

  /**
   * @param count descriptors that the action needs at the same time
   * @param action fails or is not called if too few descriptors are left; the caller then tries again later
   * @returns whether it was done
   */
  use(count: number, action: () => void): boolean {
    try {
      if (canOpen(count)) {
        action();
        return true;
      }
    } catch (error) {
      // Another program may have taken them after the check.
      if (!isWantOfDescriptors(error)) throw error;
    }
    this.#say();
    return false;
  }

  #say(): void {
    const nowMs = performance.now();
    if (nowMs - this.#saidMs < SAY_EVERY_MS) return;
    this.#saidMs = nowMs;
    log.warn("no file descriptors are left: sampling and other work that needs one waits, and process events continue");
  }
}

/** Whether this process, or the whole machine, has no descriptors left. */
function isWantOfDescriptors(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}

function canOpen(count: number): boolean {
  const fds: number[] = [];
  try {
    // `/` always exists. The kernel allocates a descriptor before it checks permissions (fs/open.c).
    while (fds.length < count) fds.push(openSync("/", "r"));
  } catch (error) {
    if (isWantOfDescriptors(error)) return false;
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return true;
}
