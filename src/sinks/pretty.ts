import { commandLine, printable } from "../json/printable.ts";
import type { EventView } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { SAMPLE_LOSS_NAMES, SAMPLE_LOSSES } from "../wire/counters.ts";
import type {
  CountByType,
  ExecEvent,
  ExitEvent,
  LossReason,
  PageFaultEvent,
  ProcessEvent,
  SampleEvent,
  UnwrittenEvent,
} from "../wire/event.ts";
import { EVENT_PAGE_FAULT, EVENT_SAMPLE } from "../wire/layout.gen.ts";
import type { RunSummary } from "../wire/summary.ts";
import type { Output } from "./output.ts";
import { type Columns, columnsFor, columnsText, headingText } from "./pretty-columns.ts";
import type { LineSink, Notice } from "./sink.ts";

export interface PrettyOptions {
  color: boolean;
  /** Columns of the terminal now; 0: no terminal, lines are not cut. */
  width(): number;
}

const RESET = "\x1b[0m";
const DIM = "\x1b[2m";
const COLORS = { fork: "\x1b[34m", exec: "\x1b[32m", exit: "\x1b[33m", failed: "\x1b[31m" } as const;
/** Columns that a text has on the narrowest terminal; longer lines are wrapped there. */
const MIN_ROOM = 16;
/** Columns of a sample with all its words, a comm of 15 letters, 100.0 % of CPU, 1000.0 MiB and 10 threads. */
const FULL_SAMPLE = 56;
/** What is left of a comm that is cut, the ellipsis included. */
const MIN_NAME = 4;
/** Deeper than this the tree is drawn no further to the right. */
const MAX_INDENT = 12;
/** The tree takes at most this share of the room that a text has. */
const INDENT_SHARE = 1 / 4;

const LOSS_TEXTS: Record<LossReason, string> = {
  ring_full: "its ring was full (see --ring-size)",
  no_ring: "it had no ring after it came online, and the spare one was full",
};

/** Aligned columns for people: one line an event, indented by its place in the tree. */
export class PrettySink implements LineSink {
  readonly #output: Output;
  readonly #options: PrettyOptions;
  #lines = "";
  #width = 0;
  #columns: Columns | undefined;

  constructor(output: Output, options: PrettyOptions) {
    this.#output = output;
    this.#options = options;
    this.#look();
  }

  write(view: EventView): void {
    // Once for what is written together.
    if (this.#lines === "") this.#look();
    const event = objectOf(view);
    const width = this.#width;
    const { color } = this.#options;
    const columns = columnsOf(event, this.#columns as Columns);
    const room = width > 0 ? Math.max(width - columns.length, MIN_ROOM) : Number.POSITIVE_INFINITY;
    const cut = cutTo(textOf(event, depthOf(view.table, view.ppid), room), room);
    const failed = event.type === "exit" && (event.signal !== null || (event.exit_code ?? 0) !== 0);
    const paint = event.type === "sample" || event.type === "page_fault" ? DIM : COLORS[failed ? "failed" : event.type];
    this.#lines += color ? `${paint}${columns}${RESET}${cut}\n` : `${columns}${cut}\n`;
    if (this.#lines.length > 64 * 1024) this.flush();
  }

  /** The terminal may have another size by now: then there may be other columns, below a heading of their own. */
  #look(): void {
    this.#width = this.#options.width();
    const columns = columnsFor(this.#width);
    if (columns === this.#columns) return;
    this.#columns = columns;
    const heading = headingText(columns);
    this.#lines += this.#options.color ? `${DIM}${heading}${RESET}\n` : `${heading}\n`;
  }

  notice(notice: Notice): void {
    this.#lines += this.#warning(`${notice.time.slice(11, 26)} ${noticeText(notice)}`);
  }

  unwritten({ time, lines }: UnwrittenEvent): string {
    return this.#warning(`${time.slice(11, 26)} ${lines} lines are missing here: the output took nothing`);
  }

  #warning(text: string): string {
    return this.#options.color ? `${COLORS.failed}${text}${RESET}\n` : `${text}\n`;
  }

  flush(): void {
    if (this.#lines === "") return;
    const bytes = new TextEncoder().encode(this.#lines);
    this.#lines = "";
    this.#output.write(bytes, bytes.length);
  }

  finish(summary: RunSummary): void {
    this.#lines += summaryText(summary);
    this.flush();
  }
}

function noticeText(notice: Notice): string {
  if (notice.type === "degraded") return `budget, level ${notice.level}: ${notice.reason}`;
  return `lost ${notice.count} records of CPU ${notice.cpu}: ${LOSS_TEXTS[notice.reason]}`;
}

type Shown = ProcessEvent | SampleEvent | PageFaultEvent;

function objectOf(view: EventView): Shown {
  if (view.type === EVENT_SAMPLE) return view.toSample();
  return view.type === EVENT_PAGE_FAULT ? view.toPageFault() : view.toEvent();
}

/** Ancestors that the table knows and that live, counted up to a bound. */
function depthOf(table: ProcessTable, ppid: number): number {
  let depth = 0;
  let pid = ppid;
  // The top (pid 1) and what is above it are where most stand: no indentation for those.
  while (pid > 1 && depth < MAX_INDENT) {
    const slot = table.find(pid);
    if (slot === NO_SLOT) break;
    depth++;
    pid = table.ppid(slot) ?? 0;
  }
  return depth;
}

function columnsOf(event: Shown, columns: Columns): string {
  return columnsText(columns, {
    time: event.time.slice(11, 26),
    type: event.type === "page_fault" ? "fault" : event.type,
    pid: String(event.pid),
    ppid: event.ppid === null ? "?" : String(event.ppid),
    uid: event.uid === null ? "?" : String(event.uid),
  });
}

/** What stands behind the columns; figures stand below each other, the tree is drawn by what happens in it. */
function textOf(event: Shown, depth: number, room: number): string {
  if (event.type === "page_fault") return pageFaultText(event);
  if (event.type === "sample") return sampleText(event, room);
  const indent = Math.min(depth, Math.floor((room * INDENT_SHARE) / 2));
  return "  ".repeat(indent) + processText(event);
}

function processText(event: ProcessEvent): string {
  if (event.type === "fork") return printable(event.comm);
  if (event.type === "exec") return execText(event);
  return exitText(event);
}

function execText(event: ExecEvent): string {
  const command = event.args ? commandLine(event.args) : printable(event.exe ?? event.comm);
  // A program's name for itself may say little: the path says which file it is.
  const named = event.exe !== null && event.args !== null && event.args[0] !== event.exe;
  return `${command}${event.args_truncated ? " …" : ""}${named ? `  [${printable(event.exe ?? "")}]` : ""}`;
}

/** The figures are what it is for: where there is no room they stand without their names, and then the comm is cut. */
function sampleText({ comm, cpu_pct, rss_bytes, threads }: SampleEvent, room: number): string {
  const name = printable(comm);
  const cpu = `${cpu_pct.toFixed(1)} %`;
  const rss = `${(rss_bytes / 2 ** 20).toFixed(1)} MiB`;
  const parts = [`cpu ${cpu}`, `rss ${rss}`, ...(threads > 1 ? [`${threads} threads`] : [])];
  if (room >= FULL_SAMPLE) return [name, ...parts].join("  ");
  return [cutTo(name, Math.max(room - cpu.length - rss.length - 4, MIN_NAME)), cpu, rss].join("  ");
}

function pageFaultText({ comm, address, ip, write, suppressed }: PageFaultEvent): string {
  const access = `${write ? "write" : "read"} at 0x${address.toString(16)} by 0x${ip.toString(16)}`;
  return `${printable(comm)}  ${access}${suppressed > 0 ? `  (${suppressed} before it not told)` : ""}`;
}

function exitText(event: ExitEvent): string {
  const parts = [printable(event.comm)];
  if (event.signal !== null) parts.push(`killed by ${event.signal}${event.core_dumped ? " (core dumped)" : ""}`);
  else if (event.exit_code !== null) parts.push(`code ${event.exit_code}`);
  if (event.duration_ns !== null) parts.push(`after ${durationText(Number(event.duration_ns))}`);
  if (event.cpu_user_ns !== null && event.cpu_system_ns !== null) {
    parts.push(`cpu ${durationText(Number(event.cpu_user_ns + event.cpu_system_ns))}`);
  }
  if (event.peak_rss_bytes !== null) parts.push(`peak ${(event.peak_rss_bytes / 2 ** 20).toFixed(1)} MiB`);
  return parts.join("  ");
}

/** Nanoseconds with a unit that leaves one to three digits before the point. */
export function durationText(ns: number): string {
  // The limits lie where rounding to the digits shown would make a fourth one.
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 999.5e3) return `${(ns / 1e3).toFixed(0)} µs`;
  if (ns < 999.95e6) return `${(ns / 1e6).toFixed(1)} ms`;
  if (ns < 59.995e9) return `${(ns / 1e9).toFixed(2)} s`;
  const seconds = Math.round(ns / 1e9);
  const clock = `${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  return `${Math.floor(seconds / 3600)}:${clock} h`;
}

/** Cut to that many columns, with an ellipsis. */
function cutTo(text: string, room: number): string {
  if (Bun.stringWidth(text) <= room) return text;
  let cut = text.slice(0, room - 1);
  // Nor between the halves of a character past U+FFFF.
  while (Bun.stringWidth(cut) > room - 1 || !cut.isWellFormed()) cut = cut.slice(0, -1);
  return `${cut}…`;
}

/** Nothing where nothing was lost. */
function sampleLosses(samples: RunSummary["samples"]): string[] {
  const lost = SAMPLE_LOSS_NAMES.filter((reason) => samples[reason] > 0);
  const parts = lost.map((reason) => `${samples[reason]} because ${SAMPLE_LOSSES[reason]}`);
  const lines = parts.length === 0 ? [] : [`samples not emitted: ${parts.join(", ")}`];
  const { threads_not_summed } = samples;
  if (threads_not_summed > 0) lines.push(`samples lack the time of threads: ${threads_not_summed} looks at one`);
  return lines;
}

/** Counts of the summary that are shown unless they are 0. */
const LEFT_OUT = {
  skipped: "skipped by the kernel",
  filtered: "held back by filters",
  suppressed: "counted instead of sent, in storms",
  folded: "folded into other records",
} as const;

function summaryText(summary: RunSummary): string {
  const count = (counts: CountByType) => `fork ${counts.fork}, exec ${counts.exec}, exit ${counts.exit}`;
  const { received, emitted, lost, lost_by_type, lost_by_reason, page_faults } = summary;
  const { duration_s, cost, backend } = summary;
  const lines = [
    `${duration_s.toFixed(1)} s by the ${backend} backend: ${count(received)}`,
    `emitted by the kernel: ${count(emitted)}; lost: ${lost === 0 ? "none" : `${lost} (${count(lost_by_type)})`}`,
  ];
  const { ring_full, no_ring } = lost_by_reason;
  if (no_ring > 0) lines.push(`lost to full rings: ${ring_full}; on CPUs without a ring: ${no_ring}`);
  for (const [name, text] of Object.entries(LEFT_OUT) as [keyof typeof LEFT_OUT, string][]) {
    const counts = summary[name];
    if (counts.fork + counts.exec + counts.exit > 0) lines.push(`${text}: ${count(counts)}`);
  }
  if (page_faults) {
    const { seen, received, suppressed, lost, skipped } = page_faults;
    const unseen = skipped > 0 ? `; skipped by the kernel ${skipped}` : "";
    lines.push(`page faults: ${seen}, of which told ${received}, suppressed ${suppressed}, lost ${lost}${unseen}`);
  }
  lines.push(...sampleLosses(summary.samples));
  lines.push(
    `cost: ${((cost.user_cpu_s + cost.system_cpu_s) * 1e3).toFixed(0)} ms CPU, ${cost.cpu_pct.toFixed(2)} % of one ` +
      `core, start included; at most ${(cost.max_rss_bytes / 2 ** 20).toFixed(0)} MiB of memory`,
  );
  return `\n${lines.join("\n")}\n`;
}
