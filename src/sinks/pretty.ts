import { commandLine, printable } from "../json/printable.ts";
import { textOf as cText } from "../json/text.ts";
import type { EventView } from "../process/event-view.ts";
import { signalName } from "../process/signal-name.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { SAMPLE_LOSS_NAMES, SAMPLE_LOSSES } from "../wire/counters.ts";
import type { CountByType, LossReason, StormEvent, TotalsEvent, UnwrittenEvent } from "../wire/event.ts";
import {
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  EVENT_PAGE_FAULT,
  EVENT_PROCESS,
  EVENT_SAMPLE,
  EXIT_EVENT,
  KNOWN_CPU,
  KNOWN_RSS,
  KNOWN_STATUS,
  PAGE_FAULT_EVENT,
} from "../wire/layout.gen.ts";
import type { RunSummary } from "../wire/summary.ts";
import type { Output } from "./output.ts";
import { type Columns, columnsFor, columnsText, headingText } from "./pretty-columns.ts";
import type { LineSink, Notice } from "./sink.ts";
import { sourceText } from "./storm-source-text.ts";
import { totalsBlock } from "./totals-block.ts";

export interface PrettyOptions {
  color: boolean;
  /** Current width of the terminal in columns; 0 if the output is not a terminal: then lines are not cut. */
  width(): number;
}

const RESET = "\x1b[0m";
const DIM = "\x1b[2m";
const COLORS = { fork: "\x1b[34m", exec: "\x1b[32m", exit: "\x1b[33m", failed: "\x1b[31m" } as const;
/** Least room for the text of a line, in columns. On a very narrow terminal, such lines wrap. */
const MIN_ROOM = 16;
/** Width of a sample with all its words, a comm of 15 letters, 100.0 % of CPU, 1000.0 MiB and 10 threads. */
const FULL_SAMPLE = 56;
/** Least width of a comm that is cut, including the ellipsis. */
const MIN_NAME = 4;
/** Processes at a greater depth in the tree are not indented further. */
const MAX_INDENT = 12;
/** The indentation takes at most this share of the room for a text. */
const INDENT_SHARE = 1 / 4;

const LOSS_TEXTS: Record<LossReason, string> = {
  ring_full: "its ring was full (see --ring-size)",
  no_ring: "it came online without a ring, and the spare ring was full",
};

/** Writes aligned columns, for people: one line per event, indented by its depth in the process tree. */
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

  /** Writes nothing, because the messages on stderr contain the same facts. */
  start(): void {}

  write(view: EventView): void {
    // Once for all lines that are written together.
    if (this.#lines === "") this.#look();
    const width = this.#width;
    const { color } = this.#options;
    const columns = columnsOf(view, this.#columns as Columns);
    const room = width > 0 ? Math.max(width - columns.length, MIN_ROOM) : Number.POSITIVE_INFINITY;
    const cut = cutTo(textOf(view, room), room);
    this.#lines += color ? `${colorOf(view)}${columns}${RESET}${cut}\n` : `${columns}${cut}\n`;
    if (this.#lines.length > 64 * 1024) this.flush();
  }

  /** Checks the width of the terminal. Writes a new heading if other columns fit now. */
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

  totals(lines: readonly TotalsEvent[]): void {
    if (this.#lines === "") this.#look();
    const [heading = "", ...rows] = totalsBlock(lines, this.#width);
    if (heading === "") return;
    this.#lines += this.#options.color ? `${DIM}${heading}${RESET}\n` : `${heading}\n`;
    for (const row of rows) this.#lines += `${row}\n`;
  }

  unwritten({ time, lines }: UnwrittenEvent): string {
    return this.#warning(`${time.slice(11, 26)} ${lines} lines are missing here, because they could not be written`);
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
  if (notice.type === "storm") return stormText(notice);
  if (notice.type === "degraded") return `budget, ${notice.step}: ${notice.reason}`;
  return `lost ${notice.count} records of CPU ${notice.cpu}: ${LOSS_TEXTS[notice.reason]}`;
}

function stormText({ state, source, suppressed, window_ns, comms }: StormEvent): string {
  const name = sourceText(source);
  if (state === "begin" || suppressed === null) return `storm of ${name}: its events are counted instead of sent`;
  const { fork, exec, exit } = suppressed;
  const most = (comms ?? []).slice(0, 3).map(({ comm, count }) => `${printable(comm)} ${count}`);
  const counted = `fork ${fork}, exec ${exec}, exit ${exit} counted in ${durationText(window_ns ?? 0)}`;
  return `storm of ${name} is over: ${counted}${most.length > 0 ? `; most of ${most.join(", ")}` : ""}`;
}

/** Number of ancestors that are in the table, without pid 1, at most `MAX_INDENT`. */
function depthOf(table: ProcessTable, ppid: number): number {
  let depth = 0;
  let pid = ppid;
  // Pid 1 gets no level, because it is an ancestor of most processes.
  while (pid > 1 && depth < MAX_INDENT) {
    const slot = table.find(pid);
    if (slot === NO_SLOT) break;
    depth++;
    pid = table.ppid(slot) ?? 0;
  }
  return depth;
}

/** The word in the column of types. */
const TYPE_WORDS: { [type: number]: string } = {
  [EVENT_FORK]: "fork",
  [EVENT_EXEC]: "exec",
  [EVENT_EXIT]: "exit",
  [EVENT_PROCESS]: "ended",
  [EVENT_SAMPLE]: "sample",
  [EVENT_PAGE_FAULT]: "fault",
};

function columnsOf(view: EventView, columns: Columns): string {
  return columnsText(columns, {
    time: view.time.slice(11, 26),
    type: TYPE_WORDS[view.type] ?? "?",
    pid: String(view.pid),
    ppid: view.ppid < 0 ? "?" : String(view.ppid),
    uid: String(view.uid),
  });
}

function colorOf(view: EventView): string {
  if (view.type === EVENT_FORK) return COLORS.fork;
  if (view.type === EVENT_EXEC) return COLORS.exec;
  if (view.type !== EVENT_EXIT && view.type !== EVENT_PROCESS) return DIM;
  return view.known & KNOWN_STATUS && view.status !== 0 ? COLORS.failed : COLORS.exit;
}

/** The text after the columns. Samples and page faults are not indented, so that their figures are aligned. */
function textOf(view: EventView, room: number): string {
  if (view.type === EVENT_PAGE_FAULT) return pageFaultText(view);
  if (view.type === EVENT_SAMPLE) return sampleText(view, room);
  const indent = Math.min(depthOf(view.table, view.ppid), Math.floor((room * INDENT_SHARE) / 2));
  return "  ".repeat(indent) + processText(view);
}

function nameOf(view: EventView): string {
  return printable(cText(view.comm));
}

function processText(view: EventView): string {
  if (view.type === EVENT_FORK) return nameOf(view);
  if (view.type === EVENT_EXEC) return execText(view);
  if (view.type === EVENT_PROCESS) return endedText(view);
  return exitText(view);
}

/** How a process ended, and its command. The command is last, because a long line is cut. */
function endedText(view: EventView): string {
  const { argsText, exeText } = view;
  return argsText === null && exeText === null ? exitText(view) : `${exitText(view)}  ${execText(view)}`;
}

function execText(view: EventView): string {
  const { argsText: args, exeText: exe } = view;
  const command = args ? commandLine(args) : exe === null ? nameOf(view) : printable(exe);
  // The first argument can be any text, so the path is added if it is different.
  const named = exe !== null && args !== null && args[0] !== exe;
  return `${command}${view.argsTruncated ? " …" : ""}${named ? `  [${printable(exe)}]` : ""}`;
}

/** If there is little room, the names of the figures are left out, and the comm is cut. The figures are never cut. */
function sampleText(view: EventView, room: number): string {
  const { threads } = view;
  const name = nameOf(view);
  const cpu = `${view.cpuPct.toFixed(1)} %`;
  const rss = `${(view.rssBytes / 2 ** 20).toFixed(1)} MiB`;
  const parts = [`cpu ${cpu}`, `rss ${rss}`, ...(threads > 1 ? [`${threads} threads`] : [])];
  if (room >= FULL_SAMPLE) return [name, ...parts].join("  ");
  return [cutTo(name, Math.max(room - cpu.length - rss.length - 4, MIN_NAME)), cpu, rss].join("  ");
}

function pageFaultText(view: EventView): string {
  const hex = (offset: number) => `0x${view.record.big(offset).toString(16)}`;
  const access = `${view.isWrite ? "write" : "read"} at ${hex(PAGE_FAULT_EVENT.address)} by ${hex(PAGE_FAULT_EVENT.ip)}`;
  const { suppressed } = view;
  return `${nameOf(view)}  ${access}${suppressed > 0 ? `  (${suppressed} before this suppressed)` : ""}`;
}

function exitText(view: EventView): string {
  const { known, status, durationNs } = view;
  const parts = [nameOf(view)];
  if (known & KNOWN_STATUS) {
    const signal = status & 0x7f;
    if (signal === 0) parts.push(`code ${(status >>> 8) & 0xff}`);
    else parts.push(`killed by ${signalName(signal)}${status & 0x80 ? " (core dumped)" : ""}`);
  }
  if (durationNs >= 0) parts.push(`after ${durationText(durationNs)}`);
  if (known & KNOWN_CPU) parts.push(`cpu ${durationText(view.cpuNs)}`);
  if (known & KNOWN_RSS) parts.push(`peak ${(view.figure(EXIT_EVENT.peak_rss_bytes) / 2 ** 20).toFixed(1)} MiB`);
  return parts.join("  ");
}

/** Nanoseconds with a unit that leaves one to three digits before the point. */
export function durationText(ns: number): string {
  // At each limit, rounding to the shown digits would give a fourth digit before the point.
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
  // A character past U+FFFF must not be cut in half.
  while (Bun.stringWidth(cut) > room - 1 || !cut.isWellFormed()) cut = cut.slice(0, -1);
  return `${cut}…`;
}

/** Lines about samples that were not emitted and about threads that samples do not include; empty if there are none. */
function sampleLosses(samples: RunSummary["samples"]): string[] {
  const lost = SAMPLE_LOSS_NAMES.filter((reason) => samples[reason] > 0);
  const parts = lost.map((reason) => `${samples[reason]} because ${SAMPLE_LOSSES[reason]}`);
  const lines = parts.length === 0 ? [] : [`samples not emitted: ${parts.join(", ")}`];
  const { threads_not_summed } = samples;
  if (threads_not_summed > 0) lines.push(`scans of threads that samples do not include: ${threads_not_summed}`);
  return lines;
}

/** Counts that the summary shows unless they are 0. */
const LEFT_OUT = {
  skipped: "skipped by the kernel",
  filtered: "excluded by filters",
  suppressed: "counted instead of sent, in storms",
  folded: "folded into other records",
} as const;

function summaryText(summary: RunSummary): string {
  const count = (counts: CountByType) => `fork ${counts.fork}, exec ${counts.exec}, exit ${counts.exit}`;
  const { seen, received, emitted, lost, lost_by_type, lost_by_reason, page_faults } = summary;
  const { duration_s, cost, backend } = summary;
  const lines = [`${duration_s.toFixed(1)} s by the ${backend} backend: ${count(seen)}`];
  for (const [name, text] of Object.entries(LEFT_OUT) as [keyof typeof LEFT_OUT, string][]) {
    const counts = summary[name];
    if (counts.fork + counts.exec + counts.exit > 0) lines.push(`${text}: ${count(counts)}`);
  }
  lines.push(`sent by the kernel: ${count(emitted)}; received: ${count(received)}`);
  lines.push(`lost: ${lost === 0 ? "none" : `${lost} (${count(lost_by_type)})`}`);
  const { ring_full, no_ring } = lost_by_reason;
  if (no_ring > 0) lines.push(`lost to full rings: ${ring_full}; on CPUs without a ring: ${no_ring}`);
  const { unexplained_forks } = summary;
  if (unexplained_forks) lines.push(`created by the kernel and not seen: ${unexplained_forks} processes or threads`);
  if (page_faults) {
    const { seen, received, suppressed, lost, skipped } = page_faults;
    const unseen = skipped > 0 ? `; skipped by the kernel ${skipped}` : "";
    lines.push(`page faults: ${seen}, of which reported ${received}, suppressed ${suppressed}, lost ${lost}${unseen}`);
  }
  lines.push(...sampleLosses(summary.samples));
  lines.push(
    `cost: ${((cost.user_cpu_s + cost.system_cpu_s) * 1e3).toFixed(0)} ms CPU, ${cost.cpu_pct.toFixed(2)} % of one ` +
      `core, start included; at most ${(cost.max_rss_bytes / 2 ** 20).toFixed(0)} MiB of memory`,
  );
  return `\n${lines.join("\n")}\n`;
}
