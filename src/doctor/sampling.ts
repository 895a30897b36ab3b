import { MAX_WALKED_PROCESSES } from "../sampling/walk-limit.ts";
import type { Check } from "./check.ts";
import type { HostReader } from "./host-reader.ts";
import type { KernelFacts } from "./kernel.ts";
import { mayLoad, type PrivilegeFacts } from "./privileges.ts";

/**
 * How `collect` gets CPU time and memory of all processes: with a BPF program that walks the list of processes, with
 * the task iterator, or from the files of /proc. The task iterator stores its figures in task storage or in a map.
 */
export type SamplingWay = "process-walk" | "task-storage" | "lru-map" | "proc";

export interface SamplingFacts {
  /** Number of entries in /proc, by which `collect` chooses too. */
  processes: number;
}

export function readSampling(host: HostReader): SamplingFacts {
  return { processes: host.list("/proc").length };
}

/** The way that this kernel offers, even if only root can use it. */
export function samplingWay({ btf: { features } }: KernelFacts, { processes }: SamplingFacts): SamplingWay {
  if (!features?.taskIterator) return "proc";
  if (features.taskStorage === false) return "lru-map";
  return features.processWalk && processes <= MAX_WALKED_PROCESSES ? "process-walk" : "task-storage";
}

/** Reports how samples are taken, also without BTF or without the privileges to load a program. */
export function checkSampling(sampling: SamplingFacts, kernel: KernelFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "sampling", title: "sampling" };
  const way = samplingWay(kernel, sampling);
  if (way === "proc") {
    return {
      ...check,
      status: "warn",
      found: "from /proc",
      costs:
        "each scan costs about 30 times as much as one in the kernel, CPU time comes in ticks of 10 ms, " +
        "cpu and start_ns of samples are null, and /readyz answers 503",
      hint: "a kernel of 5.10 or later with BTF; or do without samples: --sample-interval 0",
    };
  }
  const found = {
    "process-walk": "in the kernel: a walk over the list of processes",
    "task-storage": "in the kernel: task iterator, figures in task storage",
    "lru-map": "in the kernel: task iterator, figures in a map",
  }[way];
  return mayLoad(privileges) ? { ...check, status: "ok", found } : { ...check, status: "info", found };
}
