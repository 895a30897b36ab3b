import type { CpuUsage } from "../sys/child.ts";

/** What the output of a method reports: a process was in a listing, was forked, executed a program, or ended. */
export type SightingKind = "listed" | "fork" | "exec" | "exit";

/** One time that a method's own output named a process. */
export interface Sighting {
  /** The tgid in the pid namespace of the workload, which is also the namespace of linnix. */
  pid: number;
  what: SightingKind;
  /**
   * The arguments as the method shows them: one string, or one string per argument if the method separates them. Each
   * byte is one Latin-1 code unit. The method's escapes are decoded where possible. Absent if the method shows no
   * arguments.
   */
  args?: string | readonly string[];
  /**
   * For a method that reports totals: a name, and how many processes with this name executed a program and ended before
   * `untilNs` (CLOCK_BOOTTIME, ns). `pid` is then 0.
   */
  sum?: { comm: string; count: number; untilNs: bigint };
  /** CLOCK_BOOTTIME of the start of the process, ns. Absent if the method does not show it. */
  startNs?: bigint;
  /** The grid that `startNs` was rounded down to, ns; 10 ms for /proc/PID/stat. 0 if it is exact. */
  startGridNs?: bigint;
}

/** What was found while reading a method's output; complete once `seen()` has been read to its end. */
export interface Tally {
  /** Lines or records that named a process. */
  records: number;
  /** Complete listings, for methods that poll. Divided by the measured time, this is the achieved rate. */
  listings: number;
  /** Lines that the parser did not understand. */
  unparsed: number;
  /** Lines that were cut because they were longer than the limit. */
  cutLines: number;
  /** Events that the method itself reports as lost. */
  lost: number;
}

/** A tally with all counts at 0. */
export function newTally(): Tally {
  return { records: 0, listings: 0, unparsed: 0, cutLines: 0, lost: 0 };
}

/** Why a method is not available on this machine. */
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

/** Options that affect whether a method is available. */
export interface AvailabilityOptions {
  /** Use the audit subsystem although it already has rules or a daemon. */
  forceAudit?: boolean;
}

/** What a method needs to know to start. */
export interface ObserverContext extends AvailabilityOptions {
  /** Root of the workload's process tree; a method of scope "workload" refuses to start without it. */
  workloadPid: number | null;
  /** More root processes for a method of scope "workload" to watch. */
  alsoPids?: readonly number[];
  /** The private folder of the run (0700). A method writes only below it. */
  tempDir: string;
  /** Time between two listings, ms; event methods ignore it. */
  intervalMs: number;
  /**
   * The command that runs `runWorker` (worker.ts) in a process of its own. If absent, it is the hidden command
   * `__observer` of this program. If this program is not compiled, it is this runtime with worker-main.ts.
   */
  workerCommand?: readonly string[];
  /** Aborts `start`, which then undoes its changes and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called and awaited at each step of `start` and `stop`. */
  onStage?: (stage: string) => void | Promise<void>;
}

/** A running method. Owned by one scope; disposing it stops it and removes its files. */
export interface RunningObserver extends AsyncDisposable {
  /** Root pids of the method's own process trees. */
  pids(): number[];
  /**
   * Pids of kernel threads that work for the method, such as kauditd. Their CPU time since the start is part of its
   * cost.
   */
  kernelThreads(): number[];
  /** The actual time between two listings, ms; null for event methods. */
  readonly intervalMs: number | null;
  /** What went wrong since the start, such as "strace ended with status 1: …"; null while all is well. */
  problem(): string | null;
  /** Stops the method and releases everything that it used on the machine, except its output. Idempotent. */
  stop(): Promise<void>;
  /** The method's output, read after `stop`. May be read more than once. */
  seen(tally?: Tally): Iterable<Sighting>;
  /** Bytes that the method has written to files. */
  bytesWritten(): number;
  /** CPU time of the root processes from start to end; null before `stop`, or if it is not known. */
  usage(): CpuUsage | null;
}

/** Where a method causes cost outside its own processes. The cost accounting includes it. */
export type InKernelCost =
  /** All cost is in the method's own processes, including their system calls. */
  | "none"
  /** BPF programs, held by file descriptors of its processes. */
  | "bpf"
  /** The watched processes make the audit records themselves, and kauditd delivers them. */
  | "audit"
  /** The watched processes stop at their system calls. */
  | "ptrace"
  /** Messages that the watched processes queue to a netlink socket at fork, exec and exit. */
  | "connector";

/** The facts that a method's output can report about a process. */
export const REPORTED = ["fork", "exec", "exit", "args", "status", "cpu"] as const;
export type Reported = (typeof REPORTED)[number];

/** A program that a method runs. */
export interface Program {
  readonly name: string;
  /** Another name that it is installed under. */
  readonly alias?: string;
  /** The Debian package that contains it. */
  readonly debian: string;
  /** The package on Fedora and Arch Linux; omitted if it has the same name as on Debian. */
  readonly elsewhere?: string;
  /** Arguments that print its version; omitted if linnix does not read the version. */
  readonly version?: readonly string[];
  /** Whether only few machines have it. Then doctor does not warn if it is missing. */
  readonly isPeer?: true;
}

/** What a method needs on the machine in addition to its programs. */
export interface Needs {
  /** Why it needs the initial pid namespace, such as "audit records have host pids". */
  readonly initialPidNamespace?: string;
  /** The part of the method that needs root, such as "the audit subsystem". */
  readonly root?: string;
  /** Whether it loads BPF programs. */
  readonly bpf?: true;
  /** Whether its BPF programs attach through the files of tracefs. */
  readonly tracefs?: true;
  /** Ids of the `linnix doctor` checks that report what else the method lacks. */
  readonly checks?: readonly string[];
}

/** One way to watch processes. The registry, doctor, compare, the set-up and the documentation derive from this. */
export interface Observer {
  readonly name: string;
  /** What runs, in one clause of Markdown, for the table in docs/compare-with-polling.md. */
  readonly summary: string;
  readonly programs: readonly Program[];
  readonly needs: Needs;
  /** Whether it lists processes every interval, or the kernel sends it events. */
  readonly kind: "polling" | "events";
  /** Whether it watches all processes, or only those of the workload. */
  readonly scope: "machine" | "workload";
  readonly inKernel: InKernelCost;
  /** What its output contains with the options that linnix uses, in the order of `REPORTED`. */
  readonly reports: readonly Reported[];
  /** Shorter intervals that the comparison tries as well, ms, the shortest last. They show the best case of polling. */
  readonly shorterMs: readonly number[];
  /** Whether its cost is measured among many sleeping processes too. */
  readonly grows: boolean;
  /** Whether it runs only if `--methods` names it. */
  readonly onlyByName: boolean;
  /** What stays changed on the machine from the stop of the method until the next boot; null for nothing. */
  readonly aftermath: string | null;
  /** Checks whether the method is available here, without changing anything. Never rejects. */
  available(options?: AvailabilityOptions): Promise<Availability>;
  /**
   * Starts the method, and resolves when it watches. If it fails, it undoes its changes and rejects with a LinnixError.
   */
  start(context: ObserverContext): Promise<RunningObserver>;
}
