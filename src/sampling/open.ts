import { readdirSync } from "node:fs";
import { log } from "../config/log.ts";
import { type PidNamespace, pidNamespace } from "../procfs/pid-namespace.ts";
import { BestSampler } from "./best-sampler.ts";
import { ProcSampler } from "./proc-sampler.ts";
import { ProcessWalkSampler } from "./process-walk-sampler.ts";
import type { Sampler, SamplerOptions, Sweep } from "./sampler.ts";
import { TaskIteratorSampler } from "./task-iterator-sampler.ts";
import { MAX_WALKED_PROCESSES } from "./walk-limit.ts";

/**
 * The best sampler that this kernel offers for the present number of processes. Another one continues from its figures once
 * there are too many for it.
 *
 * What an iterator may not do shows at its first scan at the latest: kernels refuse a new read after root was dropped, and
 * a kernel without cmpxchg16b has no room for storage of tasks. Then the next best sampler takes over, and makes that
 * first scan itself.
 */
export function openSampler(options: SamplerOptions = {}, namespace = pidNamespace()): Sampler {
  const warn = (text: string) => log.warn(text);
  if (!namespace.isInitial) return new BestSampler(foreignOpeners(options, namespace), warn);
  const openers = [
    () => {
      if (countProcesses() > MAX_WALKED_PROCESSES) throw new Error("too many processes to walk along at one go");
      return new ProcessWalkSampler(options);
    },
    () => TaskIteratorSampler.withTaskStorage(options),
    () => TaskIteratorSampler.withMap(countProcesses(), options),
    () => new ProcSampler(options),
  ];
  return new BestSampler(openers, warn);
}

/**
 * In a pid namespace other than the initial one the iterators see the processes of that namespace only, and the number of
 * entries of /proc does not say how many there are.
 */
function foreignOpeners(options: SamplerOptions, { proc }: PidNamespace): (() => Sampler)[] {
  const walk = () => new ProcessWalkSampler({ ...options, walksAlways: true });
  if (proc === "initial") return [walk, () => new ProcSampler(options)];
  return [
    walk,
    () => TaskIteratorSampler.withTaskStorage(options),
    () => TaskIteratorSampler.withMap(countProcesses(), options),
    () => new NoSampler(),
  ];
}

function countProcesses(): number {
  return readdirSync("/proc").length;
}

/** No samples: this kernel has no task iterator, and the pids of /proc are other processes' numbers. */
class NoSampler implements Sampler {
  readonly source = "none";
  readonly sweepFds = 0;
  readonly #sweep: Sweep = { processes: 0, leftOutThreads: 0, unkept: 0 };

  sweep(): Sweep {
    return this.#sweep;
  }

  [Symbol.dispose](): void {}
}
