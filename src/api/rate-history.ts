import type * as answers from "./answers.ts";
import { rounded } from "./rounded.ts";

/** Counters from which rates are computed. Each only grows. */
export interface RateReading {
  /** A monotonic clock, ms. */
  ms: number;
  fork: number;
  exec: number;
  exit: number;
  cpuNs: number;
  /** Null: not known. */
  inKernelNs: number | null;
}

/** Entries that are kept: five minutes, as {@link Recent} ends a window every ten seconds. */
const MAX_ENTRIES = 30;

/** Rate and cost of the last minutes, one entry for each window that has ended. */
export class RateHistory {
  readonly entries: answers.RateEntry[] = [];
  #before: RateReading;

  /** @param now the reading at the start */
  constructor(now: RateReading) {
    this.#before = now;
  }

  /**
   * Ends a window.
   * @param wallMs the current wall-clock time, ms
   */
  add(now: RateReading, wallMs: number): void {
    const before = this.#before;
    this.#before = now;
    const seconds = (now.ms - before.ms) / 1000;
    if (seconds <= 0) return;
    const isKnown = now.inKernelNs !== null && before.inKernelNs !== null;
    const pct = (ns: number) => rounded(Math.max(ns, 0) / seconds / 1e7, 3);
    this.entries.push({
      time: new Date(wallMs).toISOString(),
      seconds: rounded(seconds, 3),
      fork: rounded((now.fork - before.fork) / seconds, 1),
      exec: rounded((now.exec - before.exec) / seconds, 1),
      exit: rounded((now.exit - before.exit) / seconds, 1),
      cpu_pct: pct(now.cpuNs - before.cpuNs),
      in_kernel_cpu_pct: isKnown ? pct((now.inKernelNs ?? 0) - (before.inKernelNs ?? 0)) : null,
    });
    if (this.entries.length > MAX_ENTRIES) this.entries.shift();
  }
}
