import { expect } from "bun:test";
import { availableParallelism } from "node:os";
import type { CountByType, ExecEvent, ExitEvent, ForkEvent, ProcessEvent } from "../../../src/wire/event.ts";
import { fieldsOf } from "../../../src/wire/fields.ts";
import type { RunSummary } from "../../../src/wire/summary.ts";
import { parseEvent } from "../../wire/parse-event.ts";

export type { ExecEvent, ExitEvent, ForkEvent, ProcessEvent, RunSummary };

/** The output of one run. */
export interface CollectOutput {
  /** fork, exec and exit events, in the order of writing. */
  events: ProcessEvent[];
  /** Lines of other types except the summary: samples, storms, losses. */
  others: { type: string }[];
  summary: RunSummary | null;
}

const TYPES = ["fork", "exec", "exit"] as const;
const OTHER_TYPES = new Set([
  "start",
  "process",
  "sample",
  "totals",
  "unwritten",
  "page_fault",
  "storm",
  "lost",
  "degraded",
]);

/** Parses lines as they arrive. A line that is not a JSON object of a known type fails the test. */
export class OutputReader {
  readonly output: CollectOutput = { events: [], others: [], summary: null };
  #rest = "";

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
  }

  /** @throws when the last line is not whole */
  end(): CollectOutput {
    expect(this.#rest).toBe("");
    return this.output;
  }

  #take(line: string): void {
    const { output } = this;
    if (output.summary) throw new Error(`after the summary: ${line}`);
    const parsed = parseEvent(line);
    if (parsed.type === "summary") output.summary = parsed as RunSummary;
    else if (TYPES.includes(parsed.type as "fork")) output.events.push(parsed as ProcessEvent);
    else if (OTHER_TYPES.has(parsed.type)) output.others.push(parsed);
    else throw new Error(`unknown type: ${line}`);
  }
}

export function parseOutput(text: string): CollectOutput {
  const reader = new OutputReader();
  reader.push(text);
  return reader.end();
}

/** PID_MAX_LIMIT of a 64-bit kernel. */
const PID_MAX = 4 * 1024 * 1024;
const UID_MAX = 2 ** 32 - 1;

/**
 * Problems, one per entry; empty if every field of every event is there, of its type and in its range.
 *
 * @param clockJumpNs by how much the scheduler's clock may jump
 */
export function shapeProblems(
  { events }: CollectOutput,
  missingFields: readonly string[],
  clockJumpNs = 10_000_000n,
): string[] {
  const problems: string[] = [];
  const missing = new Set(missingFields);
  for (const event of events) {
    const problem = (what: string) => {
      if (problems.length < 5) problems.push(`${what}: ${show(event)}`);
    };
    const names = Object.keys(event);
    const rows = fieldsOf(event.type);
    for (const { name, unknown } of rows) {
      if (unknown !== "left out" && !names.includes(name)) problem(`no ${name}`);
    }
    for (const name of names) {
      if (name !== "type" && !rows.some((row) => row.name === name)) problem(`has ${name}`);
      // Earlier processes, and their children until they execute something, are known from /proc.
      const isFromProc = name.startsWith("args") && event.type === "exit";
      if (missing.has(name) && !isFromProc && event[name as "pid"] !== null)
        problem(`${name} is known though it is said to be missing`);
    }
    if (missing.has("ns_pid") && "ns_pid" in event) problem("ns_pid is known though it is said to be missing");
    checkHead(event, missing, problem);
    if (event.type === "exec") checkExec(event, problem);
    if (event.type === "exit") checkExit(event, missing, clockJumpNs, problem);
  }
  return problems;
}

type Problem = (what: string) => void;

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

function isText(value: unknown, maxCharacters: number): boolean {
  return typeof value === "string" && [...value].length <= maxCharacters && !value.includes("\0");
}

function checkHead(event: ProcessEvent, missing: Set<string>, problem: Problem): void {
  const { time, ts_ns, cpu, pid, ppid, uid, gid, comm, start_ns, cgroup_id, ns_pid } = event;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time) || Number.isNaN(Date.parse(time))) problem("time");
  if (typeof ts_ns !== "bigint" || ts_ns <= 0n) problem("ts_ns");
  if (!isWhole(cpu, 0, 8191)) problem("cpu");
  if (!isWhole(pid, 1, PID_MAX)) problem("pid");
  if (ppid !== null ? !isWhole(ppid, 0, PID_MAX) : missing.size === 0) problem("ppid");
  if (!isWhole(uid, 0, UID_MAX)) problem("uid");
  if (!isWhole(gid, 0, UID_MAX)) problem("gid");
  if (!isText(comm, 15)) problem("comm");
  if (!missing.has("start_ns") && (typeof start_ns !== "bigint" || start_ns <= 0n || start_ns > ts_ns))
    problem("start_ns");
  if (cgroup_id !== null ? typeof cgroup_id !== "bigint" || cgroup_id < 1n : missing.size === 0) problem("cgroup_id");
  if (!missing.has("ns_pid") && !isWhole(ns_pid, 1, PID_MAX)) problem("ns_pid");
}

function isArgs(args: unknown): boolean {
  return args === null || (Array.isArray(args) && args.every((arg) => typeof arg === "string" && !arg.includes("\0")));
}

function checkImage({ exe, args, args_truncated }: ExecEvent | ExitEvent, problem: Problem): void {
  if (exe !== null && !isText(exe, 65536)) problem("exe");
  if (!isArgs(args)) problem("args");
  if (args === null ? args_truncated !== null : typeof args_truncated !== "boolean") problem("args_truncated");
}

function checkExec(event: ExecEvent, problem: Problem): void {
  const { old_comm } = event;
  checkImage(event, problem);
  if (old_comm !== null && !isText(old_comm, 15)) problem("old_comm");
}

function checkExit(event: ExitEvent, missing: Set<string>, clockJumpNs: bigint, problem: Problem): void {
  const { exit_code, signal, core_dumped, duration_ns } = event;
  checkImage(event, problem);
  if (duration_ns !== null ? typeof duration_ns !== "bigint" || duration_ns < 0n : missing.size === 0)
    problem("duration_ns");
  if (missing.has("exit_code")) return;
  if ((exit_code === null) === (signal === null)) problem("either exit_code or signal");
  if (exit_code !== null && !isWhole(exit_code, 0, 255)) problem("exit_code");
  if (signal !== null && !/^SIG([A-Z][A-Z0-9]*(\+\d+)?|\d+)$/.test(signal)) problem("signal");
  if (typeof core_dumped !== "boolean" || (core_dumped && signal === null)) problem("core_dumped");
  if (event.start_ns !== null && duration_ns !== event.ts_ns - event.start_ns)
    problem("duration_ns is not ts_ns - start_ns");
  const { cpu_user_ns, cpu_system_ns, peak_rss_bytes, minor_faults, major_faults, read_bytes, write_bytes } = event;
  for (const cpuNs of [cpu_user_ns, cpu_system_ns]) if (typeof cpuNs !== "bigint" || cpuNs < 0n) problem("cpu time");
  const cpuNs = (cpu_user_ns ?? 0n) + (cpu_system_ns ?? 0n);
  if (cpuNs > (duration_ns ?? 0n) * BigInt(availableParallelism()) + clockJumpNs)
    problem("more cpu time than there was time");
  if (!isWhole(peak_rss_bytes, 0, 2 ** 50) || (peak_rss_bytes ?? 0) % 4096 !== 0) problem("peak_rss_bytes");
  for (const count of [minor_faults, major_faults, read_bytes, write_bytes]) {
    if (!isWhole(count, 0, Number.MAX_SAFE_INTEGER)) problem("faults or bytes");
  }
}

/** How far, and how often, the timestamps of two unrelated events may be out of order. */
const MAX_INVERSION_NS = 100_000_000n;
const MAX_INVERTED_SHARE = 0.01;

/**
 * Problems, one per entry; empty if the output is in the kernel's order of time:
 * fork, exec, exit of each process; a parent's fork before its child's; growing
 * timestamps, except for unrelated events of different CPUs.
 */
export function orderProblems({ events, summary }: CollectOutput): string[] {
  const problems: string[] = [];
  const problem = (what: string, event: ProcessEvent) => {
    if (problems.length < 5) problems.push(`${what}: ${show(event)}`);
  };
  // An exit that a storm suppressed has no line.
  const isWholeStory = summary === null || (summary.lost === 0 && summary.suppressed.exit === 0);
  const state = new Map<number, ProcessEvent["type"]>();
  const forkedLater = new Map<number, bigint>();
  let newest: ProcessEvent | undefined;
  let inverted = 0;
  for (const event of events) {
    const before = state.get(event.pid);
    if (event.type === "fork") {
      if (isWholeStory && before !== undefined && before !== "exit") problem("forked while it lives", event);
      const childNs = forkedLater.get(event.pid);
      if (childNs !== undefined && childNs >= event.ts_ns) problem("its child's fork was before", event);
      if (event.ppid !== null && !state.has(event.ppid) && !forkedLater.has(event.ppid)) {
        forkedLater.set(event.ppid, event.ts_ns);
      }
    } else if (before === "exit" && isWholeStory) {
      problem("after its exit", event);
    }
    state.set(event.pid, event.type);
    if (newest !== undefined && event.ts_ns < newest.ts_ns) {
      inverted++;
      if (event.cpu === newest.cpu) problem(`behind a younger one of the same CPU (${newest.ts_ns})`, event);
      if (newest.ts_ns - event.ts_ns > MAX_INVERSION_NS) problem(`far behind a younger one (${newest.ts_ns})`, event);
    } else {
      newest = event;
    }
  }
  if (inverted > Math.max(2, events.length * MAX_INVERTED_SHARE))
    problems.push(`${inverted} of ${events.length} out of order`);
  return problems;
}

/** Problems, one per entry; empty if the summary's counts balance and match the written lines. */
export function balanceProblems(
  { events, others, summary }: CollectOutput,
  wanted: readonly string[] = TYPES,
): string[] {
  if (summary === null) return ["no summary"];
  const problems: string[] = [];
  const { seen, filtered, suppressed, folded, emitted, received } = summary;
  const { lost, lost_by_type, lost_by_reason, lost_by_cpu, page_faults, unwritten } = summary;
  const written: CountByType = { fork: 0, exec: 0, exit: 0 };
  for (const { type } of events) written[type]++;
  // At detail `processes` each process is emitted as an exit.
  for (const { type } of others) if (type === "process") written.exit++;
  for (const type of TYPES) {
    if (emitted[type] !== received[type] + lost_by_type[type]) {
      problems.push(`${type}: ${emitted[type]} emitted, ${received[type]} received, ${lost_by_type[type]} lost`);
    }
    const accounted = filtered[type] + suppressed[type] + folded[type] + emitted[type];
    if (seen[type] !== accounted) problems.push(`${type}: ${seen[type]} seen, ${accounted} accounted for`);
    // A test on a busy machine may read the output too slowly.
    const expected = wanted.includes(type) ? received[type] - (unwritten.by_type[type] ?? 0) : 0;
    if (written[type] !== expected) problems.push(`${type}: ${expected} to write, ${written[type]} written`);
  }
  if (lost !== lost_by_type.fork + lost_by_type.exec + lost_by_type.exit) problems.push("lost is not the sum by type");
  if (lost !== lost_by_reason.ring_full + lost_by_reason.no_ring) problems.push("lost is not the sum by reason");
  const lostInAll = lost + (page_faults?.lost ?? 0);
  if (lostInAll !== lost_by_cpu.reduce((sum, each) => sum + each.lost, 0)) problems.push("lost is not the sum by CPU");
  return problems;
}

/** An event as text for a message. */
export function show(event: object): string {
  return JSON.stringify(event, (_, value) => (typeof value === "bigint" ? Number(value) : value)).slice(0, 600);
}
