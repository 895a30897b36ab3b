import { readdirSync } from "node:fs";
import { NativeError } from "../libbpf/errno.ts";
import type { Record } from "../wire/record.ts";
import { ProcSampler } from "./proc-sampler.ts";
import { ProcessWalkSampler } from "./process-walk-sampler.ts";
import type { Sampler, SamplerOptions, Sweep } from "./sampler.ts";
import { TaskIteratorSampler } from "./task-iterator-sampler.ts";
import { MAX_WALKED_PROCESSES } from "./walk-limit.ts";

/** Room for so many times the processes that there are, and at least for so many: of who is gone some is taken up. */
const MAP_ROOM = 4;
const MIN_MAP_PROCESSES = 8192;

/**
 * The best sampler that this kernel offers.
 *
 * What an iterator may not do shows at its first sweep at the latest: kernels refuse a new read to who has given up
 * root, and one without cmpxchg16b has no room for storage of tasks. Then the next best takes over, and that first
 * sweep is its own.
 */
export function openSampler(options: SamplerOptions = {}): Sampler {
  return new BestSampler([
    () => {
      if (countProcesses() > MAX_WALKED_PROCESSES) throw new Error("too many processes to walk along at one go");
      return new ProcessWalkSampler(options);
    },
    () => TaskIteratorSampler.withTaskStorage(options),
    () => TaskIteratorSampler.withMap(mapProcesses(), options),
    () => new ProcSampler(options),
  ]);
}

function mapProcesses(): number {
  return Math.max(MIN_MAP_PROCESSES, MAP_ROOM * countProcesses());
}

function countProcesses(): number {
  return readdirSync("/proc").length;
}

/** The first of several that works, the last one always. */
class BestSampler implements Sampler {
  readonly #openers: (() => Sampler)[];
  #sampler: Sampler;

  constructor(openers: (() => Sampler)[]) {
    this.#openers = openers;
    this.#sampler = this.#next(undefined);
  }

  get source(): Sampler["source"] {
    return this.#sampler.source;
  }

  sweep(each: (record: Record) => void): Sweep {
    for (;;) {
      try {
        const sweep = this.#sampler.sweep(each);
        const keepsNothing = sweep.unkept > 0 && sweep.unkept === sweep.processes;
        if (!keepsNothing || this.#openers.length === 0) return sweep;
      } catch (error) {
        // Not what the caller did with a record.
        if (!(error instanceof NativeError) || this.#openers.length === 0) throw error;
      }
      const given = this.#sampler;
      this.#sampler = this.#next(undefined);
      given[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]();
  }

  /** Opens the first of the rest that can be opened. */
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
