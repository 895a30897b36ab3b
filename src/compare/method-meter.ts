import { calledProgramIds, readHeldBpf } from "../bpf/bpf-held.ts";
import { readHeldMemory } from "../bpf/bpf-memory.ts";
import { type BpfProgramInfo, ProgramHandles } from "../bpf/bpf-programs.ts";
import { runTimeDifference } from "../bpf/bpf-run-time.ts";
import { enableRunTimeStats, type RunTimeStats } from "../bpf/bpf-stats.ts";
import { LinnixError } from "../errors.ts";
import type { Observer, RunningObserver } from "../observers/observer.ts";
import { readProcessMemory } from "../procfs/memory.ts";
import { ProcessTreeClock } from "../procfs/process-tree-clock.ts";
import { boottimeNs, processCpuClockId, readClockNs } from "../sys/clock.ts";
import { machineForks } from "./others.ts";

/** The clocks and counters of a method at one moment. */
export interface MethodReading {
  atNs: number;
  /** CLOCK_BOOTTIME, ns. */
  bootNs: number;
  /** CPU time of its process trees. */
  cpuNs: number;
  /** The part of `cpuNs` from ended children, which the kernel shows in steps of 10 ms. */
  waitedForNs: number;
  pids: readonly number[];
  /** CPU time of the kernel threads that work for it. */
  threadNs: number;
  /** Its BPF programs that run in other processes; null if the kernel does not count their time. */
  programs: ReadonlyMap<number, BpfProgramInfo> | null;
  bytesWritten: number;
  /** Forks of the whole machine since its boot; null if the kernel does not count. */
  forks: number | null;
}

/** What a method used between two readings. */
export interface MethodUse {
  elapsedNs: number;
  cpuNs: number;
  /** Time of BPF programs and kernel threads; null if the cost in the kernel was not or cannot be measured. */
  kernelNs: number | null;
  bytesWritten: number;
}

/** Reads the clocks of a method: they include neither the workload nor this process. */
export class MethodMeter implements Disposable {
  readonly #observer: Observer;
  readonly #running: RunningObserver;
  readonly #clocks: ProcessTreeClock[];
  readonly #threads: number[];
  #programs: ProgramHandles | null = null;
  #stats: RunTimeStats | null = null;

  constructor(observer: Observer, running: RunningObserver) {
    this.#observer = observer;
    this.#running = running;
    this.#clocks = running.pids().flatMap((pid) => ProcessTreeClock.open(pid) ?? []);
    this.#threads = running.kernelThreads().flatMap((pid) => processCpuClockId(pid) ?? []);
    if (observer.inKernel === "bpf") this.#countPrograms();
  }

  read(): MethodReading {
    const trees = this.#clocks.map((clock) => clock.read());
    const threadNs = this.#threads.reduce((sum, id) => sum + Number(readClockNs(id) ?? 0n), 0);
    return {
      atNs: Bun.nanoseconds(),
      bootNs: boottimeNs(),
      cpuNs: trees.reduce((sum, { cpuNs }) => sum + cpuNs, 0),
      waitedForNs: trees.reduce((sum, { waitedForNs }) => sum + waitedForNs, 0),
      pids: trees.flatMap(({ pids }) => pids),
      threadNs,
      programs: this.#programs?.read() ?? null,
      bytesWritten: this.#running.bytesWritten(),
      forks: machineForks(),
    };
  }

  use(before: MethodReading, after: MethodReading): MethodUse {
    return {
      elapsedNs: after.atNs - before.atNs,
      cpuNs: after.cpuNs - before.cpuNs,
      kernelNs: this.#kernelNs(before, after),
      bytesWritten: after.bytesWritten - before.bytesWritten,
    };
  }

  /** Memory of the processes now, shared pages divided by their users, and kernel memory of BPF programs and maps. */
  memoryBytes(pids: readonly number[]): number {
    let bytes = 0;
    for (const pid of pids) {
      const memory = readProcessMemory(pid);
      bytes += memory?.pssBytes ?? memory?.rssBytes ?? 0;
    }
    if (this.#programs === null) return bytes;
    const { mapBytes, programBytes, ringBytes } = readHeldMemory(pids);
    return bytes + mapBytes + programBytes + ringBytes;
  }

  [Symbol.dispose](): void {
    this.#stats?.close();
    this.#programs?.close();
  }

  #countPrograms(): void {
    const programs = new ProgramHandles();
    try {
      for (const pid of this.#clocks.flatMap((clock) => clock.read().pids)) {
        const own = calledProgramIds(pid);
        for (const id of readHeldBpf(pid).programIds) if (!own.includes(id)) programs.add(id);
      }
      this.#stats = enableRunTimeStats();
      this.#programs = programs;
    } catch (error) {
      programs.close();
      // If the kernel cannot count, `kernelNs` is null.
      if (!(error instanceof LinnixError)) throw error;
    }
  }

  #kernelNs(before: MethodReading, after: MethodReading): number | null {
    const { inKernel } = this.#observer;
    if (inKernel === "none") return 0;
    if (inKernel === "audit") return after.threadNs - before.threadNs;
    if (before.programs === null || after.programs === null) return null;
    return runTimeDifference(before.programs, after.programs).runNs;
  }
}
