import type { Record } from "../wire/record.ts";

/** Counts of a scan. */
export interface Sweep {
  /** Processes that were looked at. */
  processes: number;
  /** Processes that the sampler came by, zombies among them; left out: `processes`. */
  walked?: number;
  /** Threads whose time is missing, of processes with more than are walked. */
  leftOutThreads: number;
  /** Live processes that were left out because there was no place, or no memory, to keep their figures. */
  unkept: number;
}

/** The limit of a sampler, and the sampler beyond it. */
export interface SamplerLimit {
  /** Maximum number of processes for this sampler. */
  processes: number;
  /**
   * Returns a sampler for more processes that continues with the figures of this one, so that no time is lost or reported
   * twice. This one must not scan any more.
   *
   * @throws Error if there is none, such as after root was dropped
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
  /** Left out: it is good for any number of processes. */
  readonly limit?: SamplerLimit;
  /** File descriptors that a scan takes for a while; left out: one. */
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
  /** Maximum number of threads of one process whose time is added up, in the kernel; absent: 65,536. */
  maxThreads?: number;
  /** Whether samples carry `utime_ns` and `stime_ns`. */
  splitsModes?: boolean;
  /** Maximum number of live processes whose figures a walk keeps; absent: `MAX_ORDERED` of bpf/samples-in-order.h. */
  maxPlaces?: number;
  /** Keeps walking at any number of processes: no other sampler sees all of them in this pid namespace. */
  walksAlways?: boolean;
}

/**
 * 1 MiB: on machines with a few CPUs, the counters that CPUs keep for themselves are below it, and a change without
 * running (reclaim) is above it.
 */
export const RSS_THRESHOLD_BYTES = 2 ** 20;
