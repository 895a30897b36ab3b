import { DETAIL, STORM_WINDOW_NS } from "../wire/layout.gen.ts";

/** The word of the programs that says whether sources are limited. */
export interface StormMode {
  storms: boolean;
}

/**
 * How many events a second a source may have before the kernel side counts them instead of sending them. It is memory
 * that the programs read: a change makes no system call and works without any privilege.
 */
export class StormLimit {
  readonly #words: Uint32Array;
  readonly #cpus: number;
  readonly #mode: StormMode;
  #rate = 0;

  /**
   * @param memory struct detail
   * @param cpus CPUs that may come online
   */
  constructor(memory: ArrayBuffer, cpus: number, mode: StormMode) {
    this.#words = new Uint32Array(memory);
    this.#cpus = cpus;
    this.#mode = mode;
  }

  /** Bytes with which a ring counts as filling up: sources are then limited to 1,000 events a second; 0: never. */
  set ringShare(bytes: number) {
    this.#words[DETAIL.ring_share / 4] = bytes;
  }

  /** The rings were emptied. */
  drained(): void {
    const at = DETAIL.drains / 4;
    this.#words[at] = (this.#words[at] as number) + 1;
  }

  /** Events a second, fork, exec and exit together; 0: no limit. */
  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    if (rate === this.#rate) return;
    const wasOn = this.#rate > 0;
    this.#rate = rate;
    if (rate === 0) {
      this.#mode.storms = false;
      return;
    }
    const words = this.#words;
    const { event_ns, cpu_share, busy_until_ns } = DETAIL;
    // What was kept of processes before is out of date: no program wrote to it since.
    if (!wasOn) words.fill(0, busy_until_ns / 4, busy_until_ns / 4 + 2);
    words[cpu_share / 4] = cpuShare(rate, this.#cpus);
    words[event_ns / 4] = Math.max(1, Math.round(1e9 / rate));
    this.#mode.storms = true;
  }
}

/**
 * Events of one CPU in a window. If no CPU has more, all of them together are not above the rate, and so no source is;
 * also one that has a CPU for itself.
 */
export function cpuShare(rate: number, cpus: number): number {
  return Math.floor((rate * STORM_WINDOW_NS) / 1e9 / cpus);
}
