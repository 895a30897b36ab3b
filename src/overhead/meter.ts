import { calledProgramIds, readHeldBpf } from "../bpf/bpf-held.ts";
import { type KernelMemory, readHeldMemory } from "../bpf/bpf-memory.ts";
import { type BpfProgramInfo, ProgramHandles } from "../bpf/bpf-programs.ts";
import { runTimeDifference } from "../bpf/bpf-run-time.ts";
import { readProcessMemory } from "../procfs/memory.ts";
import { type NoiseCounters, readNoiseCounters } from "../procfs/noise.ts";
import { ProcessClock } from "../procfs/process-clock.ts";
import { ProcessTreeClock } from "../procfs/process-tree-clock.ts";
import type { SystemCpu } from "../procfs/system-cpu.ts";
import { WakeupCounter } from "../procfs/wakeups.ts";
import { sum } from "../stats/moments.ts";
import { boottimeNs, ownCpuNs } from "../sys/clock.ts";
import type { RawMemory, RawProgram, RawWindow } from "./raw.ts";
import type { RunningSubject, Subject } from "./subject.ts";

/** All clocks and counters, read at one moment. */
export interface Reading {
  /** Monotonic, ns since this process's start. */
  atNs: number;
  boottimeNs: number;
  /**
   * CPU time of the subject's processes; null if there is no subject, or it cannot be read. User and system time are 0
   * for process trees.
   */
  subject: { cpuNs: number; userNs: number; systemNs: number } | null;
  /** The subject's BPF programs; null if their statistics are not on. */
  programs: ReadonlyMap<number, BpfProgramInfo> | null;
  /** Ids of the programs that the subject's processes call themselves: their time is CPU time of the subject. */
  ownPrograms: ReadonlySet<number>;
  wakeups: number | null;
  memory: RawMemory | null;
  noise: NoiseCounters;
  monitorCpuNs: number;
}

/** Reads all clocks and counters; without a subject, only those of the machine and of this process. */
export class Meter implements Disposable {
  readonly #running: RunningSubject | null;
  readonly #clock: SubjectClock | null;
  readonly #wakeups: WakeupCounter | null;
  readonly #programs = new ProgramHandles();
  readonly #ownPrograms = new Set<number>();
  readonly #countsPrograms: boolean;

  /**
   * @param countsPrograms whether BPF statistics are on
   * @throws LinnixError (exit code 3) if the kernel does not show its BPF programs
   */
  constructor(subject: { kind: Subject["kind"]; running: RunningSubject } | null, countsPrograms: boolean) {
    this.#running = subject?.running ?? null;
    this.#countsPrograms = countsPrograms && subject !== null;
    const root = subject?.running.roots[0];
    const isOne = subject?.kind === "linnix" && root !== undefined;
    this.#clock = subject === null ? null : isOne ? oneProcess(root) : processTrees(subject.running.roots);
    this.#wakeups = isOne ? new WakeupCounter(root) : null;
  }

  read(): Reading {
    // These clocks are read first and right after each other, because the measured work continues meanwhile.
    const subject = this.#clock?.read() ?? null;
    if (this.#countsPrograms) this.#findPrograms(subject?.pids ?? []);
    const programs = this.#countsPrograms ? this.#programs.read() : null;
    const atNs = Bun.nanoseconds();
    return {
      atNs,
      boottimeNs: boottimeNs(),
      subject,
      programs,
      ownPrograms: this.#ownPrograms,
      wakeups: this.#wakeups?.read() ?? null,
      memory: subject === null ? null : memoryOf(subject.pids),
      noise: readNoiseCounters(),
      monitorCpuNs: ownCpuNs(),
    };
  }

  /** Kernel memory of the subject now; null if there is no subject. Reads every mapping of its processes. */
  kernelMemory(): KernelMemory | null {
    const pids = this.#clock?.read()?.pids;
    return pids === undefined ? null : readHeldMemory(pids, this.#running?.programIds);
  }

  close(): void {
    this.#programs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Looks for new programs at each reading, because an agent may load programs at any time. */
  #findPrograms(pids: readonly number[]): void {
    for (const id of this.#running?.programIds ?? []) this.#programs.add(id);
    for (const pid of pids) {
      for (const id of readHeldBpf(pid).programIds) this.#programs.add(id);
      for (const id of calledProgramIds(pid)) this.#ownPrograms.add(id);
    }
  }
}

interface SubjectClock {
  read(): { cpuNs: number; userNs: number; systemNs: number; pids: number[] } | null;
}

/** The CPU clock of one process: exact, and cheap to read. */
function oneProcess(pid: number): SubjectClock {
  const clock = ProcessClock.open(pid);
  return {
    read() {
      const now = clock?.read();
      return now ? { cpuNs: Number(now.cpuNs), userNs: now.userNs, systemNs: now.systemNs, pids: [pid] } : null;
    },
  };
}

function processTrees(roots: readonly number[]): SubjectClock {
  const clocks = roots.map((pid) => ProcessTreeClock.open(pid));
  return {
    read() {
      const pids: number[] = [];
      let cpuNs = 0;
      for (const clock of clocks) {
        const now = clock?.read();
        if (now === undefined || now.pids.length === 0) return null;
        cpuNs += now.cpuNs;
        pids.push(...now.pids);
      }
      return { cpuNs, userNs: 0, systemNs: 0, pids };
    },
  };
}

function memoryOf(pids: readonly number[]): RawMemory | null {
  const each = pids.map(readProcessMemory).filter((memory) => memory !== null);
  if (each.length === 0) return null;
  return {
    rss_bytes: sum(each.map((one) => one.rssBytes)),
    pss_bytes: each.every((one) => one.pssBytes !== null) ? sum(each.map((one) => one.pssBytes ?? 0)) : null,
    anon_bytes: sum(each.map((one) => one.anonBytes)),
    file_bytes: sum(each.map((one) => one.fileBytes)),
  };
}

/** Runs and run time of each program between two readings; null if the kernel did not count them. */
export function programsBetween(before: Reading, after: Reading): RawProgram[] | null {
  if (before.programs === null || after.programs === null) return null;
  return runTimeDifference(before.programs, after.programs).programs.map(({ id, name, runs, runNs }) => ({
    id,
    name,
    runs,
    run_ns: runNs,
    own: after.ownPrograms.has(id),
  }));
}

/** The window between two readings. `spawned` and `events` are set later. */
export function windowBetween(
  before: Reading,
  after: Reading,
  place: Pick<RawWindow, "phase" | "rate">,
  runBeganNs: number,
): RawWindow {
  const programs = programsBetween(before, after);
  const others = programs === null ? null : programs.filter(({ own }) => !own);
  const own = programs === null ? null : programs.filter((program) => program.own);
  const subject =
    before.subject !== null && after.subject !== null ? { from: before.subject, to: after.subject } : null;
  const wakeups = before.wakeups !== null && after.wakeups !== null ? after.wakeups - before.wakeups : null;
  const pressure = { from: before.noise.cpuPressureUs, to: after.noise.cpuPressureUs };
  return {
    ...place,
    from_s: (before.atNs - runBeganNs) / 1e9,
    to_s: (after.atNs - runBeganNs) / 1e9,
    elapsed_ns: after.atNs - before.atNs,
    cpu_ns: subject && subject.to.cpuNs - subject.from.cpuNs,
    user_ns: subject && subject.to.userNs - subject.from.userNs,
    system_ns: subject && subject.to.systemNs - subject.from.systemNs,
    run_ns: others === null ? null : sum(others.map(({ run_ns }) => run_ns)),
    runs: others === null ? null : sum(others.map(({ runs }) => runs)),
    own_run_ns: own === null ? null : sum(own.map(({ run_ns }) => run_ns)),
    programs,
    wakeups,
    memory: after.memory,
    machine: machineBetween(before.noise.system, after.noise.system),
    cpu_pressure_us: pressure.from !== null && pressure.to !== null ? pressure.to - pressure.from : null,
    monitor_cpu_ns: after.monitorCpuNs - before.monitorCpuNs,
    spawned: 0,
    events: null,
  };
}

function machineBetween(before: SystemCpu | null, after: SystemCpu | null): SystemCpu | null {
  if (before === null || after === null) return null;
  return {
    cpus: after.cpus,
    userTicks: after.userTicks - before.userTicks,
    systemTicks: after.systemTicks - before.systemTicks,
    idleTicks: after.idleTicks - before.idleTicks,
    stealTicks: after.stealTicks - before.stealTicks,
  };
}
