import type { SpawnTruth } from "../workload/ground-truth.ts";

type Result = "ok" | "error" | "signal" | "unknown";

interface Sums {
  execs: number;
  exited: Record<Result, number>;
}

/** Compares the totals of `collect --detail summary` with a workload by name and result: totals have no pids. */
export class CaptureSums {
  readonly #byComm = new Map<string, Sums>();
  readonly #spans: { fromNs: number; toNs: number; events: number }[] = [];

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** Adds a line of type `totals`. */
  add(line: Record<string, unknown>): void {
    const comm = String(line.comm);
    const exited = line.exited as Record<Result, number | null>;
    const sums = this.#byComm.get(comm) ?? { execs: 0, exited: { ok: 0, error: 0, signal: 0, unknown: 0 } };
    this.#byComm.set(comm, sums);
    sums.execs += line.execs as number;
    let events = (line.started as number) + (line.execs as number);
    for (const result of ["ok", "error", "signal", "unknown"] as const) {
      const count = exited[result] ?? 0;
      sums.exited[result] += count;
      events += count;
    }
    this.#spans.push({ fromNs: line.from_ns as number, toNs: line.to_ns as number, events });
  }

  /** Number of events from one time to another, CLOCK_BOOTTIME, ns. Events count as evenly spread over an interval. */
  eventsBetween(fromNs: number, toNs: number): number {
    let sum = 0;
    for (const span of this.#spans) {
      const overlap = Math.min(toNs, span.toNs) - Math.max(fromNs, span.fromNs);
      if (overlap > 0) sum += (span.events * overlap) / (span.toNs - span.fromNs);
    }
    return sum;
  }

  /** Whether the totals have an exec and an exit for this process, by name and result. Subtracts what it finds. */
  take({ path, status, exitCode, signal }: SpawnTruth): { exec: boolean; exit: boolean } {
    const sums = this.#byComm.get(path.slice(path.lastIndexOf("/") + 1).slice(0, 15));
    if (!sums) return { exec: false, exit: false };
    const exec = sums.execs > 0;
    if (exec) sums.execs--;
    // The workload did not wait for it, so its result is unknown.
    if (status === null) return { exec, exit: true };
    const result = signal !== null ? "signal" : exitCode === 0 ? "ok" : "error";
    for (const found of [result, "unknown"] as const) {
      if (sums.exited[found] === 0) continue;
      sums.exited[found]--;
      return { exec, exit: true };
    }
    return { exec, exit: false };
  }
}
