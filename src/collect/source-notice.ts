import { log } from "../config/log.ts";
import type { SamplingSource } from "./sampling-switch.ts";

/** Warns when linnix begins to read CPU and memory from /proc: that costs tens of times more than the task iterator. */
export class SourceNotice {
  #isProc = false;

  /**
   * @param source null: sampling is off
   * @param hasRoot whether the sampler was chosen while linnix had its initial privileges, so that it could load any
   *   sampler
   */
  look(source: SamplingSource | null, hasRoot: boolean): void {
    if (source === null) return;
    const wasProc = this.#isProc;
    this.#isProc = source === "proc";
    if (!this.#isProc || wasProc) return;
    const why = hasRoot
      ? "this kernel has no task iterator"
      : "no cheaper sampler can be loaded after root was dropped: restart linnix to load one";
    log.warn(`CPU and memory are read from /proc, because ${why}`);
  }
}
