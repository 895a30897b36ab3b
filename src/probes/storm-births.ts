import { DETAIL } from "../wire/layout.gen.ts";

/* The upper word of an element of the map `storm_births`, see bpf/storm-births.h. */
const MISSED = 1;
const PID_AT = 2;
const PID_MASK = 0xff;
const EPOCH_AT = 10;
const EPOCH_MASK = 0x3fffff;

/** Data of processes that were forked while the kernel side watched sources. Reading it makes no system call. */
export class StormBirths {
  /** Two words per process: the lower half, then the upper half. */
  readonly #words: Uint32Array;
  readonly #limits: Uint32Array;

  /**
   * @param memory the map `storm_births`
   * @param limits struct detail
   */
  constructor(memory: ArrayBuffer, limits: ArrayBuffer) {
    this.#words = new Uint32Array(memory);
    this.#limits = new Uint32Array(limits);
  }

  /** Pids of at most `most` processes whose last exec was only counted. */
  missed(most: number): number[] {
    const words = this.#words;
    const epoch = this.#epoch;
    const pids: number[] = [];
    for (let at = 1; at < words.length && pids.length < most; at += 2) {
      const upper = words[at] as number;
      if (!(upper & MISSED) || ((upper >>> EPOCH_AT) & EPOCH_MASK) !== epoch) continue;
      pids.push(((upper >>> PID_AT) & PID_MASK) * this.#places + (at >>> 1));
    }
    return pids;
  }

  hasMissed(pid: number): boolean {
    const upper = this.#words[this.#at(pid)] as number;
    const isOfPid = ((upper >>> PID_AT) & PID_MASK) === Math.floor(pid / this.#places);
    return (upper & MISSED) !== 0 && isOfPid && ((upper >>> EPOCH_AT) & EPOCH_MASK) === this.#epoch;
  }

  /** Call it before linnix reads what the process executes. */
  forget(pid: number): void {
    if (!this.hasMissed(pid)) return;
    const at = this.#at(pid);
    // The kernel side may have given this place to another process meanwhile.
    const upper = this.#words[at] as number;
    Atomics.compareExchange(this.#words, at, upper, upper & ~MISSED);
  }

  get #places(): number {
    return this.#words.length / 2;
  }

  #at(pid: number): number {
    return 2 * (pid & (this.#places - 1)) + 1;
  }

  get #epoch(): number {
    return (this.#limits[DETAIL.epoch / 4] as number) & EPOCH_MASK;
  }
}
