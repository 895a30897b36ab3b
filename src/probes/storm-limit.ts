import { DETAIL, STORM_WINDOW_NS } from "../wire/layout.gen.ts";

/** Switches the limit of sources on or off in the memory of the programs. */
export interface StormMode {
  storms: boolean;
}

/**
 * The maximum rate of a source. Above it, the kernel side counts the events of the source instead of sending them. The
 * limit is in memory that the programs read, so a change makes no system call and works without any privilege.
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

  /**
   * Bytes above which a ring counts as filling up. Then each source is limited to 1,000 events per second. 0: a ring
   * never counts as filling up.
   */
  set ringShare(bytes: number) {
    this.#words[DETAIL.ring_share / 4] = bytes;
  }

  /** Call it after the rings were emptied. */
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
    // The programs have not updated the data of processes while the limit was off. This makes them discard it.
    if (!wasOn) words.fill(0, busy_until_ns / 4, busy_until_ns / 4 + 2);
    words[cpu_share / 4] = cpuShare(rate, this.#cpus);
    words[event_ns / 4] = Math.max(1, Math.round(1e9 / rate));
    this.#mode.storms = true;
  }
}

/**
 * Number of events of one CPU in a window. If no CPU has more, all CPUs together are not above the rate. So no source
 * can be above it either.
 */
export function cpuShare(rate: number, cpus: number): number {
  return Math.floor((rate * STORM_WINDOW_NS) / 1e9 / cpus);
}
