import { log } from "../config/log.ts";
import type { SamplingSource } from "./sampling-switch.ts";

/** Warns where CPU and memory begin to be read from /proc: it costs tens of times more. */
export class SourceNotice {
  #isProc = false;

  /**
   * @param source null: sampling is off
   * @param hasRoot whether anything else could have been loaded by this process
   */
  look(source: SamplingSource | null, hasRoot: boolean): void {
    if (source === null) return;
    const wasProc = this.#isProc;
    this.#isProc = source === "proc";
    if (!this.#isProc || wasProc) return;
    const why = hasRoot
      ? "this kernel has no task iterator"
      : "root was given up, and nothing that costs less can be loaded: a restart can";
    log.warn(`CPU and memory are read from /proc, for ${why}`);
  }
}
