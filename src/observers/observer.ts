import type { CpuUsage } from "../sys/child.ts";

/** What the output of a method reports: a process was in a listing, was forked, executed a program, or ended. */
export type SightingKind = "listed" | "fork" | "exec" | "exit";

/** One time that a method's own output named a process. */
export interface Sighting {
  /** The tgid in the pid namespace that the workload runs in, which is this process's. */
  pid: number;
  what: SightingKind;
  /**
   * The arguments as the method shows them: one string, or one an argument where it keeps them apart. One Latin-1
   * code unit a byte, the method's escapes undone where they can be. Absent where the method shows none.
   */
  args?: string | readonly string[];
  /**
   * Where the method adds processes up: a name, how many processes of it executed a program and ended, and the
   * CLOCK_BOOTTIME by which they did, ns. `pid` is 0 then.
   */
  sum?: { comm: string; count: number; untilNs: bigint };
  /** CLOCK_BOOTTIME of the start of the process, ns, where the method shows it. */
  startNs?: bigint;
  /** The grid that `startNs` was rounded down to, ns; 10 ms for /proc/PID/stat. 0 if it is exact. */
  startGridNs?: bigint;
}

/** What was found while reading a method's output; complete once `seen()` has been read to its end. */
export interface Tally {
  /** Lines or records that named a process. */
  records: number;
  /** Whole listings, for methods that poll: the achieved rate is this over the measured time. */
  listings: number;
  /** Lines that were not understood: 0 if all is well. */
  unparsed: number;
  /** Lines that were longer than the bound, and lost their end. */
  cutLines: number;
  /** Events that the method itself says it has lost. */
  lost: number;
}

/** A tally of nothing yet. */
export function newTally(): Tally {
  return { records: 0, listings: 0, unparsed: 0, cutLines: 0, lost: 0 };
}

/** Why a method cannot be had on this machine. */
export interface Unavailable {
  ok: false;
  /** One clause, such as "strace is not installed". */
  reason: string;
  /** What would make it available. */
  hint: string;
}

/** Whether a method is available on this machine. */
export type Availability =
  | {
      ok: true;
      /** As the program prints it, such as "ps from procps-ng 4.0.2". */
      version: string;
    }
  | Unavailable;

/** Facts about other users of the machine, for the question whether a method is available. */
export interface AvailabilityOptions {
  /** Use the audit subsystem although it already has rules or a daemon. */
  forceAudit?: boolean;
}

/** What a method needs to know to start. */
export interface ObserverContext extends AvailabilityOptions {
  /** Root of the workload's process tree; a method of scope "workload" refuses to start without it. */
  workloadPid: number | null;
  /** More roots that a method of scope "workload" is to watch. */
  alsoPids?: readonly number[];
  /** The private folder of the run (0700). A method writes only below it. */
  tempDir: string;
  /** Time between two looks, ms; event methods ignore it. */
  intervalMs: number;
  /**
   * The command that runs `runWorker` (worker.ts) in a process of its own. Left out, it is this program's hidden
   * command `__observer`, or where this is no compiled program, this runtime on worker-main.ts.
   */
  workerCommand?: readonly string[];
  /** Ends `start` early: what was done until then is undone, and `start` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called when a step of `start` and `stop` is done, and awaited. */
  onStage?: (stage: string) => void | Promise<void>;
}

/** A method at work. Owned by one scope; disposing it stops it and removes its files. */
export interface RunningObserver extends AsyncDisposable {
  /** Root pids of the method's own process trees. */
  pids(): number[];
  /** Kernel threads that work for the method, such as kauditd: their CPU time since the start is its cost too. */
  kernelThreads(): number[];
  /** Time between two looks that the method really uses, ms; null for event methods. */
  readonly intervalMs: number | null;
  /** What went wrong since the start, such as "strace ended with status 1: …"; null while all is well. */
  problem(): string | null;
  /** Stops the method and releases everything that it used on the machine. Idempotent; the output stays to be read. */
  stop(): Promise<void>;
  /** The method's output, read after `stop`. May be read more than once. */
  seen(tally?: Tally): Iterable<Sighting>;
  /** Bytes that the method has written to files. */
  bytesWritten(): number;
  /** What the root processes used from start to end; null before `stop`, or where the kernel did not say. */
  usage(): CpuUsage | null;
}

/** Where a method costs something outside its own processes, so that the cost accounting includes it. */
export type InKernelCost =
  /** System calls of its own processes only. */
  | "none"
  /** BPF programs, held by file descriptors of its processes. */
  | "bpf"
  /** The audit records made by the watched processes themselves, and kauditd. */
  | "audit"
  /** The watched processes stop at their system calls. */
  | "ptrace"
  /** Messages that the watched processes queue to a netlink socket at fork, exec and exit. */
  | "connector";

/** What a method's output can say of a process: that it started, ran a program, ended; its arguments, exit status, CPU time. */
export const REPORTED = ["fork", "exec", "exit", "args", "status", "cpu"] as const;
export type Reported = (typeof REPORTED)[number];

/** A program that a method runs. */
export interface Program {
  readonly name: string;
  /** Another name that it is installed under. */
  readonly alias?: string;
  /** The package that brings it. */
  readonly debian: string;
  /** The same on Fedora and Arch Linux; left out if it is called as on Debian. */
  readonly elsewhere?: string;
  /** Arguments that print its version; left out if linnix does not read the version. */
  readonly version?: readonly string[];
  /** Whether few machines have it: doctor does not warn if it is missing. */
  readonly isPeer?: true;
}

/** What a method needs on the machine in addition to its programs. */
export interface Needs {
  /** Why it needs the initial pid namespace, such as "audit records have host pids". */
  readonly initialPidNamespace?: string;
  /** What of it needs root, such as "the audit subsystem". */
  readonly root?: string;
  /** Whether it loads BPF programs. */
  readonly bpf?: true;
  /** Whether its BPF programs attach by the files of tracefs. */
  readonly tracefs?: true;
  /** Checks of `linnix doctor` that show what else it lacks, by their ids. */
  readonly checks?: readonly string[];
}

/** One way to watch processes. The registry, doctor, compare, the set-up and the documentation derive from this. */
export interface Observer {
  readonly name: string;
  /** What runs, in one clause of Markdown: the row of docs/compare-with-polling.md. */
  readonly summary: string;
  readonly programs: readonly Program[];
  readonly needs: Needs;
  /** Whether it looks every interval, or the kernel sends it events. */
  readonly kind: "polling" | "events";
  /** Whether it watches all processes or those of the workload alone. */
  readonly scope: "machine" | "workload";
  readonly inKernel: InKernelCost;
  /** What its output holds with the options it runs with here, in the order of `REPORTED`. */
  readonly reports: readonly Reported[];
  /** Shorter intervals that the comparison tries as well, ms, the shortest last. They show the best case of polling. */
  readonly shorterMs: readonly number[];
  /** Whether its cost is measured among many sleeping processes too. */
  readonly grows: boolean;
  /** Whether it runs only if `--methods` names it. */
  readonly onlyByName: boolean;
  /** What stays changed on the machine until its next boot after the method has stopped; null for nothing. */
  readonly aftermath: string | null;
  /** Checks whether the method is available here, without changing anything. Never rejects. */
  available(options?: AvailabilityOptions): Promise<Availability>;
  /** Starts the method; resolved when it is watching. Rejects with a LinnixError after undoing what it had done. */
  start(context: ObserverContext): Promise<RunningObserver>;
}
