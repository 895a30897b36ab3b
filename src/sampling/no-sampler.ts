import type { Sampler, Sweep } from "./sampler.ts";

/** No samples: this kernel has no task iterator, and the pids of /proc are other processes' numbers. */
export class NoSampler implements Sampler {
  readonly source = "none";
  readonly sweepFds = 0;
  readonly #sweep: Sweep = { processes: 0, leftOutThreads: 0, unkept: 0 };

  sweep(): Sweep {
    return this.#sweep;
  }

  [Symbol.dispose](): void {}
}
