import type { Record } from "../wire/record.ts";

/** Counts of a scan. */
export interface Sweep {
  /** Number of processes that were sampled, without zombies. */
  processes: number;
  /** Number of processes that the walk passed, including zombies. Absent if it equals `processes`. */
  walked?: number;
  /** Threads whose CPU time is missing, because their process has more than `maxThreads` threads. */
  leftOutThreads: number;
  /** Live processes that were left out because their figures could not be stored. */
  unkept: number;
}

/** The limit of a sampler, and the sampler beyond it. */
export interface SamplerLimit {
  /** Maximum number of processes for this sampler. */
  processes: number;
  /**
   * Returns a sampler for more processes that continues with the figures of this one, so that no time is lost or
   * reported twice. Do not scan with this sampler after that.
   *
   * @throws Error if the successor cannot be opened, for example after root was dropped
   */
  successor(processes: number): Sampler;
}

/** CPU time and memory of all processes, as differences between scans. */
export interface Sampler extends Disposable {
  /**
   * Where the figures come from: the BPF task iterator, or the files of /proc (times to the tick of 10 ms, no CPU, no
   * exact start). "none": this kernel and pid namespace offer neither.
   */
  readonly source: "task-iterator" | "proc" | "none";
  /** Absent if the sampler works for any number of processes. */
  readonly limit?: SamplerLimit;
  /** Number of file descriptors that a scan needs temporarily; 1 if absent. */
  readonly sweepFds?: number;

  /**
   * Scans all processes once. It passes each process that ran since the last scan, whose memory changed by more than
   * `rssThresholdBytes`, or that is new (`FIRST_SEEN`) to `each`, as a `SAMPLE_EVENT`. It always passes the same
   * cursor, which is invalid after `each` returns.
   *
   * @returns the same object each time
   * @throws NativeError if the kernel no longer allows the scan
   */
  sweep(each: (record: Record) => void): Sweep;
}

export interface SamplerOptions {
  /** A process that did not run is reported if its memory has changed by more than this. */
  rssThresholdBytes?: number;
  /** Maximum number of threads per process whose CPU time the kernel side adds up; 65,536 if absent. */
  maxThreads?: number;
  /** Whether samples carry `utime_ns` and `stime_ns`. */
  splitsModes?: boolean;
  /**
   * Maximum number of live processes whose figures a walk stores; `MAX_ORDERED` of bpf/samples-in-order.h if absent.
   */
  maxPlaces?: number;
  /**
   * Whether to walk whatever the number of processes, because no other sampler sees all of them in this pid namespace.
   */
  walksAlways?: boolean;
}

/**
 * 1 MiB. On machines with few CPUs, the error from per-CPU counters is smaller, and a change of a process that does not
 * run (reclaim) is larger.
 */
export const RSS_THRESHOLD_BYTES = 2 ** 20;
