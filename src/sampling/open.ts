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
 * The best sampler that this kernel supports for the current number of processes. When there are too many processes for
 * it, another sampler takes over its figures and continues.
 *
 * Some restrictions only appear at the first scan: a kernel may refuse a new read after linnix dropped root, and
 * without cmpxchg16b task storage cannot be allocated. Then the next best sampler takes over and makes the first scan.
 */
export function openSampler(options: SamplerOptions = {}, namespace = pidNamespace()): Sampler {
  const warn = (text: string) => log.warn(text);
  if (!namespace.isInitial) return new BestSampler(foreignOpeners(options, namespace), warn);
  const openers = [
    () => {
      if (countProcesses() > MAX_WALKED_PROCESSES) throw new Error("too many processes for one uninterrupted walk");
      return new ProcessWalkSampler(options);
    },
    () => TaskIteratorSampler.withTaskStorage(options),
    () => TaskIteratorSampler.withMap(countProcesses(), options),
    () => new ProcSampler(options),
  ];
  return new BestSampler(openers, warn);
}

/**
 * In a pid namespace other than the initial one the iterators see the processes of that namespace only, and the number
 * of entries of /proc is not the number of all processes.
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

/**
 * Returns no samples, for a kernel without a task iterator in a pid namespace whose /proc shows other pids than the
 * kernel's.
 */
class NoSampler implements Sampler {
  readonly source = "none";
  readonly sweepFds = 0;
  readonly #sweep: Sweep = { processes: 0, leftOutThreads: 0, unkept: 0 };

  sweep(): Sweep {
    return this.#sweep;
  }

  [Symbol.dispose](): void {}
}
