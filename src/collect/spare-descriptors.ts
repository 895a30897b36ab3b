import { closeSync, openSync } from "node:fs";
import { log } from "../config/log.ts";

/** Time between two warnings, ms. */
const SAY_EVERY_MS = 60_000;

/**
 * Delays work that needs file descriptors while there are none, because clients of the API can take them all for a while.
 * It checks beforehand: much code takes EMFILE for a process that has ended, or for a kernel that lacks a feature.
 */
export class SpareDescriptors {
  #saidMs = Number.NEGATIVE_INFINITY;

  /**
   * @param count descriptors that the action needs at the same time
   * @param action the caller tries it again later if it was not done
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

/** By this process, or by the whole machine. */
function isWantOfDescriptors(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EMFILE" || code === "ENFILE";
}

function canOpen(count: number): boolean {
  const fds: number[] = [];
  try {
    // This file always exists. The kernel needs a descriptor before it checks permissions (fs/open.c).
    while (fds.length < count) fds.push(openSync("/", "r"));
  } catch (error) {
    if (isWantOfDescriptors(error)) return false;
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return true;
}
