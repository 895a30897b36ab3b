import { pidNamespace } from "../procfs/pid-namespace.ts";
import type { GroundTruth, SpawnTruth } from "../workload/ground-truth.ts";
import { CaptureSums } from "./capture-sums.ts";

const LINE_END_BYTES = 1;

/** The fields of an event that the check uses. Times are CLOCK_BOOTTIME, ns. */
interface SeenEvent {
  /** The pid in the initial pid namespace. Pids of other namespaces are not unique on the machine. */
  kernelPid: number;
  type: "fork" | "exec" | "exit";
  tsNs: number;
  args: readonly string[] | null;
  argsTruncated: boolean | null;
  exitCode: number | null;
  signal: string | null;
}

/** Lengths of the lines of events in an output, line ends included. */
export interface OutputSize {
  events: number;
  bytes: number;
  /** Lengths that 5, 50 and 95 % of the lines do not exceed. */
  p5_bytes: number;
  p50_bytes: number;
  p95_bytes: number;
}

/** The result of the comparison of an output with the record of a workload: numbers of processes. */
export interface CaptureCount {
  spawned: number;
  /** Processes whose fork, exec with the right arguments, and exit with the right status are in the output. */
  captured: number;
  /** Faults of the other processes. One process may have several. */
  without_fork: number;
  without_exec: number;
  without_exit: number;
  wrong_args: number;
  wrong_status: number;
  /**
   * Processes whose arguments or status a backend does not report, or whose arguments were cut. Only the reported part
   * was compared, so they can count as captured.
   */
  unreported_args: number;
  unreported_status: number;
}

/**
 * Compares the events of `collect --format jsonl` with the record of a workload. It reads 64-bit times as numbers.
 * They are exact up to 104 days of uptime, and a few ns off after that, which does not matter here.
 */
export class CaptureCheck {
  readonly #pidField: "pid" | "ns_pid";
  readonly #byPid = new Map<number, SeenEvent[]>();
  /** Time of every event, ns. */
  readonly #times: number[] = [];
  #sorted = new Float64Array();
  #summary: Record<string, unknown> | null = null;
  #broken = 0;
  /** Number of lines of events by their length in bytes, because many lines have the same length. */
  readonly #lengths = new Map<number, number>();
  /** The totals, which detail `summary` reports instead of events. */
  readonly #sums = new CaptureSums();

  /**
   * @param pidField the field with the pids of this pid namespace, which the record of the workload has: `pid` in the
   *   initial namespace. In another one it is `ns_pid`, the pid in the innermost namespace of a process, because no
   *   process of the workload is in a deeper one
   */
  constructor(pidField: "pid" | "ns_pid" = pidNamespace().isInitial ? "pid" : "ns_pid") {
    this.#pidField = pidField;
  }

  /** Adds a line of the output. */
  add(line: string): void {
    let event: Record<string, unknown>;
    try {
      event = JSON.parse(line) as Record<string, unknown>;
    } catch {
      this.#broken++;
      return;
    }
    const { type } = event;
    if (type === "summary") this.#summary = event;
    if (type === "totals") this.#sums.add(event);
    if (type === "process") this.#addLife(event);
    if (type !== "fork" && type !== "exec" && type !== "exit") return;
    this.#addEvent(type, event.ts_ns as number, event);
    const bytes = Buffer.byteLength(line) + LINE_END_BYTES;
    this.#lengths.set(bytes, (this.#lengths.get(bytes) ?? 0) + 1);
  }

  /** With detail `processes`, one line stands for the fork, the execs and the exit. It has no times of the execs. */
  #addLife(event: Record<string, unknown>): void {
    const startNs = event.start_ns as number;
    const execs = event.exec_count as number | null;
    // Of a process that is older than the run, the collector saw neither the fork nor all execs.
    if (execs !== null) this.#addEvent("fork", startNs, event);
    for (let i = 0; i < (execs ?? 0); i++) this.#addEvent("exec", startNs, event);
    this.#addEvent("exit", event.ts_ns as number, event);
  }

  #addEvent(type: SeenEvent["type"], tsNs: number, event: Record<string, unknown>): void {
    this.#times.push(tsNs);
    const pid = (event[this.#pidField] ?? null) as number | null;
    if (pid === null) return;
    const seen: SeenEvent = {
      kernelPid: event.pid as number,
      type,
      tsNs,
      args: (event.args ?? null) as string[] | null,
      argsTruncated: (event.args_truncated ?? null) as boolean | null,
      exitCode: (event.exit_code ?? null) as number | null,
      signal: (event.signal ?? null) as string | null,
    };
    const list = this.#byPid.get(pid);
    if (list === undefined) this.#byPid.set(pid, [seen]);
    else list.push(seen);
  }

  /** The summary, which is the last line of a complete output; null without one. */
  get summary(): Record<string, unknown> | null {
    return this.#summary;
  }

  /** Number of lines that are not JSON. */
  get broken(): number {
    return this.#broken;
  }

  /** Lengths of the lines of events; null if there are no such lines. */
  get output(): OutputSize | null {
    const lengths = [...this.#lengths].sort(([a], [b]) => a - b);
    const events = lengths.reduce((sum, [, count]) => sum + count, 0);
    if (events === 0) return null;
    const reaching = (share: number): number => {
      let before = 0;
      for (const [bytes, count] of lengths) {
        before += count;
        if (before >= share * events) return bytes;
      }
      return 0;
    };
    return {
      events,
      bytes: lengths.reduce((sum, [bytes, count]) => sum + bytes * count, 0),
      p5_bytes: reaching(0.05),
      p50_bytes: reaching(0.5),
      p95_bytes: reaching(0.95),
    };
  }

  /** Number of events that happened from one time to another, CLOCK_BOOTTIME, ns. */
  eventsBetween(fromNs: number, toNs: number): number {
    if (this.#sorted.length !== this.#times.length) this.#sorted = Float64Array.from(this.#times).sort();
    const events = firstAtOrAbove(this.#sorted, toNs) - firstAtOrAbove(this.#sorted, fromNs);
    return events + this.#sums.eventsBetween(fromNs, toNs);
  }

  /** Counts the processes of a workload that the output has, by pid, lifetime, arguments and status. */
  check(truth: GroundTruth): CaptureCount {
    const count = noCapture();
    for (const spawn of truth) {
      if (this.#sums.isEmpty) this.#checkOne(spawn, count);
      else this.#checkSums(spawn, count);
    }
    return count;
  }

  /**
   * The events of a process of the workload. Processes of other pid namespaces can have its pid at the same time. Of
   * several kernel pids, the events of the best match are returned.
   */
  #lifeOf(spawn: SpawnTruth, fromNs: number, untilNs: number): SeenEvent[] {
    const seen = (this.#byPid.get(spawn.pid) ?? []).filter(({ tsNs }) => tsNs >= fromNs && tsNs <= untilNs);
    if (this.#pidField === "pid" || seen.every(({ kernelPid }) => kernelPid === seen[0]?.kernelPid)) return seen;
    const lives = Map.groupBy(seen, ({ kernelPid }) => kernelPid);
    const likeness = (life: SeenEvent[]) => {
      const exec = life.find(({ type }) => type === "exec");
      const isRight = exec !== undefined && compareArgs(exec, spawn.args) === "right";
      return (isRight ? 10 : 0) + new Set(life.map(({ type }) => type)).size;
    };
    return [...lives.values()].reduce((best, life) => (likeness(life) > likeness(best) ? life : best));
  }

  /** Compares a process with the totals, which have neither pids nor arguments. */
  #checkSums(spawn: SpawnTruth, count: CaptureCount): void {
    const { exec, exit } = this.#sums.take(spawn);
    count.spawned++;
    count.unreported_args++;
    if (!exec) count.without_exec++;
    if (!exit) count.without_exit++;
    if (exec && exit) count.captured++;
  }

  #checkOne(spawn: SpawnTruth, count: CaptureCount): void {
    const fromNs = Number(spawn.spawnedFromNs);
    const byNs = Number(spawn.spawnedByNs);
    const untilNs = spawn.exitedByNs === null ? Number.POSITIVE_INFINITY : Number(spawn.exitedByNs);
    const own = this.#lifeOf(spawn, fromNs, untilNs);
    const fork = own.find(({ type, tsNs }) => type === "fork" && tsNs <= byNs);
    const exec = own.find(({ type }) => type === "exec");
    const exit = own.find(({ type }) => type === "exit");
    const args = exec === undefined ? "missing" : compareArgs(exec, spawn.args);
    const status = exit === undefined ? "missing" : compareStatus(exit, spawn);
    count.spawned++;
    if (fork === undefined) count.without_fork++;
    if (exec === undefined) count.without_exec++;
    // A process that was killed at the end of the run, and not waited for, may still live.
    if (exit === undefined && spawn.status !== null) count.without_exit++;
    if (args === "wrong") count.wrong_args++;
    if (args === "unreported") count.unreported_args++;
    if (status === "wrong") count.wrong_status++;
    if (status === "unreported") count.unreported_status++;
    const whole = fork !== undefined && exec !== undefined && (exit !== undefined || spawn.status === null);
    if (whole && args !== "wrong" && status !== "wrong") count.captured++;
  }
}

/** A result with all counts at 0. */
export function noCapture(): CaptureCount {
  return {
    spawned: 0,
    captured: 0,
    without_fork: 0,
    without_exec: 0,
    without_exit: 0,
    wrong_args: 0,
    wrong_status: 0,
    unreported_args: 0,
    unreported_status: 0,
  };
}

/** The sum of two results. */
export function addCaptures(a: CaptureCount, b: CaptureCount): CaptureCount {
  const sum = { ...a };
  for (const name of Object.keys(b) as (keyof CaptureCount)[]) sum[name] += b[name];
  return sum;
}

/** Index of the first value that is not below `limit`, or their number. */
function firstAtOrAbove(sorted: Float64Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Comparison = "right" | "wrong" | "unreported";

function compareArgs(exec: SeenEvent, truth: readonly string[]): Comparison {
  const { args, argsTruncated } = exec;
  if (args === null) return "unreported";
  if (argsTruncated !== true)
    return args.length === truth.length && args.every((arg, i) => arg === truth[i]) ? "right" : "wrong";
  const isBeginning = args.every((arg, i) => (i < args.length - 1 ? arg === truth[i] : truth[i]?.startsWith(arg)));
  return isBeginning ? "unreported" : "wrong";
}

function compareStatus(exit: SeenEvent, truth: SpawnTruth): Comparison {
  if (exit.exitCode === null && exit.signal === null) return "unreported";
  if (truth.status === null) return "right";
  return exit.exitCode === truth.exitCode && exit.signal === truth.signal ? "right" : "wrong";
}
