import { NativeError } from "../sys/errno.ts";
import type { Record } from "../wire/record.ts";
import type { Sampler, SamplerLimit, Sweep } from "./sampler.ts";

/** Uses the first of several samplers that works, and switches to its successor when the processes exceed its limit. */
export class BestSampler implements Sampler {
  readonly #openers: (() => Sampler)[];
  readonly #warn: (text: string) => void;
  #sampler: Sampler;
  /** Set after the switch to a successor failed. It is tried and reported only once. */
  #stays = false;

  /**
   * @param openers best first; each throws if this kernel does not support the sampler
   * @param warn called once if there are too many processes for the only available sampler
   */
  constructor(openers: readonly (() => Sampler)[], warn: (text: string) => void) {
    this.#openers = [...openers];
    this.#warn = warn;
    this.#sampler = this.#next(undefined);
  }

  get source(): Sampler["source"] {
    return this.#sampler.source;
  }

  get sweepFds(): number {
    return this.#sampler.sweepFds ?? 1;
  }

  sweep(each: (record: Record) => void): Sweep {
    const sweep = this.#sweepWithBest(each);
    const { limit } = this.#sampler;
    // The duration of a walk depends on all processes, including zombies.
    const walked = sweep.walked ?? sweep.processes;
    if (limit !== undefined && walked > limit.processes && !this.#stays) this.#succeed(limit, walked);
    return sweep;
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]();
  }

  #sweepWithBest(each: (record: Record) => void): Sweep {
    for (;;) {
      try {
        const sweep = this.#sampler.sweep(each);
        const keepsNothing = sweep.unkept > 0 && sweep.unkept === sweep.processes;
        if (!keepsNothing || this.#openers.length === 0) return sweep;
      } catch (error) {
        // Only errors of the scan itself, not of `each`.
        if (!(error instanceof NativeError) || this.#openers.length === 0) throw error;
      }
      this.#replaceBy(() => this.#next(undefined));
    }
  }

  /**
   * Switches to the successor from the next scan on. It never switches back when processes become fewer, so it cannot
   * alternate.
   */
  #succeed(limit: SamplerLimit, processes: number): void {
    try {
      this.#replaceBy(() => limit.successor(processes));
    } catch (error) {
      this.#stays = true;
      const why = error instanceof Error ? error.message : String(error);
      this.#warn(
        `${processes} processes exceed the limit of the present sampler, ${limit.processes}, and linnix cannot switch to another ` +
          `one (${why}); restart linnix to switch`,
      );
    }
  }

  #replaceBy(open: () => Sampler): void {
    const given = this.#sampler;
    this.#sampler = open();
    given[Symbol.dispose]();
  }

  /** Opens the first remaining sampler that can be opened; throws the last error if there is none. */
  #next(error: unknown): Sampler {
    const opener = this.#openers.shift();
    if (opener === undefined) throw error;
    try {
      return opener();
    } catch (cause) {
      return this.#next(cause);
    }
  }
}
