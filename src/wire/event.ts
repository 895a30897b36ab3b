import type { UnwrittenByType } from "./unwritten.ts";

export const CONTAINER_RUNTIMES = [
  "docker",
  "containerd",
  "cri-o",
  "podman",
  "buildkit",
  "garden",
  "lxc",
  "nspawn",
  "libvirt-lxc",
] as const;

export type ContainerRuntime = (typeof CONTAINER_RUNTIMES)[number];

/** What a process runs in, the innermost one where containers are nested. */
export interface Container {
  /**
   * 64 hexadecimal digits where an OCI runtime made it, BuildKit's and Garden's own ids; the name where it boots a whole
   * system (LXC with LXD and Incus, systemd-nspawn, libvirt-lxc), without systemd's escapes.
   */
  id: string;
  runtime: ContainerRuntime;
}

/**
 * The events as the outside sees them (`collect --format jsonl`, server-sent
 * events): the names, units and nulls of the contract. 64-bit values that can
 * pass 2^53 are bigint. A field that this kernel or backend cannot give is null.
 */
export interface EventBase {
  /** RFC 3339, UTC, nanoseconds. */
  time: string;
  /** CLOCK_BOOTTIME, ns. */
  ts_ns: bigint;
  cpu: number;
  /** The kernel's tgid, in the initial pid namespace. */
  pid: number;
  ppid: number | null;
  uid: number | null;
  gid: number | null;
  comm: string;
  /** CLOCK_BOOTTIME of the process's start, ns: with `pid` its identity. */
  start_ns: bigint | null;
  cgroup_id: bigint | null;
  /** The pid as the process itself sees it, where it is known. */
  ns_pid?: number;
  /** Path in the cgroup hierarchy, where it is known. */
  cgroup?: string;
  container?: Container;
  /** Unit of the host's systemd; never one of a systemd inside a container. */
  unit?: string;
}

export interface ForkEvent extends EventBase {
  type: "fork";
}

export interface ExecEvent extends EventBase {
  type: "exec";
  exe: string | null;
  args: string[] | null;
  args_truncated: boolean | null;
  /** Whether `exe` is only the end of a path that was too long; null where `exe` is. */
  exe_truncated: boolean | null;
  old_comm: string | null;
}

export interface ExitEvent extends EventBase {
  type: "exit";
  exit_code: number | null;
  /** Name such as `SIGKILL`; null where the process was not killed by a signal. */
  signal: string | null;
  core_dumped: boolean | null;
  duration_ns: bigint | null;
  cpu_user_ns: bigint | null;
  cpu_system_ns: bigint | null;
  peak_rss_bytes: number | null;
  minor_faults: number | null;
  major_faults: number | null;
  read_bytes: number | null;
  write_bytes: number | null;
  exe: string | null;
  args: string[] | null;
  args_truncated: boolean | null;
  /** Whether `exe` is only the end of a path that was too long; null where `exe` is. */
  exe_truncated: boolean | null;
}

/** A process that ran since the sweep before, or whose memory moved. */
export interface SampleEvent extends Omit<EventBase, "cpu"> {
  type: "sample";
  /** Where its main thread ran last; null where that is not known. */
  cpu: number | null;
  /** Since the sweep before, % of one core: all threads together, so that it may pass 100. */
  cpu_pct: number;
  rss_bytes: number;
  threads: number;
}

/** A page fault of a process at one of its own addresses; at most ten a second are told of a process. */
export interface PageFaultEvent extends EventBase {
  type: "page_fault";
  address: bigint;
  /** Of the instruction that touched it. */
  ip: bigint;
  write: boolean;
  /** Page faults of this process, since the last that was told, that were not. */
  suppressed: number;
}

/** Why a record did not reach user space: the ring of its CPU was full, or the CPU had none since it came online. */
export const LOSS_REASONS = ["ring_full", "no_ring"] as const;
export type LossReason = (typeof LOSS_REASONS)[number];
export type CountByReason = Record<LossReason, number>;

/** Records of a CPU that were lost for that reason since the last such event. */
export interface LostEvent {
  type: "lost";
  /** When it was noticed: RFC 3339, UTC, nanoseconds. */
  time: string;
  ts_ns: bigint;
  cpu: number;
  reason: LossReason;
  count: number;
}

/** The collector holds back more, or less, to keep its budget. */
export interface DegradedEvent {
  type: "degraded";
  /** RFC 3339, UTC, nanoseconds. */
  time: string;
  ts_ns: bigint;
  /** 0: nothing is held back; 1: sampling is rarer; 2: no sampling. */
  level: number;
  /** A sentence for people. */
  reason: string;
  /** What collecting cost in the last while, % of one core; null where that was not what changed the level. */
  cost_pct: number | null;
  /** % of one core; 0: no budget (any more). */
  budget_pct: number;
}

/** Lines that are missing at this place of the output, which took nothing: a frozen or full disk, a reader that left. */
export interface UnwrittenEvent {
  type: "unwritten";
  /** When the next line was taken: RFC 3339, UTC, nanoseconds. */
  time: string;
  ts_ns: bigint;
  lines: number;
  bytes: number;
  /** Lines by their type. */
  by_type: UnwrittenByType;
}

export type ProcessEvent = ForkEvent | ExecEvent | ExitEvent;

/** Types of which the kernel side counts every event. */
export const COUNTED_TYPES = ["fork", "exec", "exit"] as const;

/** Events by type: the kernel's own count, or what reached user space. */
export type CountByType = Record<(typeof COUNTED_TYPES)[number], number>;
