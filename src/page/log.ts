import type { Gap } from "../api/answers.ts";
import { sourceText } from "../sinks/storm-source-text.ts";
import type { DegradedEvent, LostEvent, StormEvent } from "../wire/event.ts";

/** Something that happened to the collector or to the stream. */
export interface LogLine {
  /** Wall clock of this browser, ms. */
  atMs: number;
  text: string;
  tone: "bad" | "plain";
}

const MOST_LINES = 50;

const GAPS: { readonly [reason in Gap["reason"]]: (missed: string) => string } = {
  "slow-client": (missed) => `${missed} did not reach this page, because it reads too slowly`,
  history: (missed) => `${missed} are missing, because this page was not connected`,
  "other-run": () => "events are missing, because the daemon has restarted",
  redaction: (missed) => `${missed} were dropped, because redaction was switched on`,
};

/** The last lines of the log, latest first. */
export class Log {
  #lines: LogLine[] = [];

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  add(line: LogLine): void {
    this.#lines = [line, ...this.#lines].slice(0, MOST_LINES);
  }
}

/** The log line of an event about the whole stream; null for other types of events. */
export function logText(type: string, data: unknown): Pick<LogLine, "text" | "tone"> | null {
  if (typeof data !== "object" || data === null) return null;
  if (type === "lost") {
    const { count, cpu, reason } = data as LostEvent;
    const why = reason === "no_ring" ? "the CPU had no ring" : "its ring was full";
    return { text: `${count} ${count === 1 ? "record" : "records"} of CPU ${cpu} lost: ${why}`, tone: "bad" };
  }
  if (type === "degraded") {
    const { level, step, reason } = data as DegradedEvent;
    return { text: `budget, ${step}: ${reason}`, tone: level > 0 ? "bad" : "plain" };
  }
  if (type === "storm") {
    const { state, source, suppressed } = data as StormEvent;
    const name = sourceText(source);
    if (state === "begin") return { text: `storm: events of ${name} are counted instead of sent`, tone: "bad" };
    const { fork = 0, exec = 0, exit = 0 } = suppressed ?? {};
    return { text: `storm of ${name} is over: ${fork + exec + exit} events were counted`, tone: "plain" };
  }
  if (type === "gap") {
    const { reason, missed } = data as Gap;
    const events = missed === null ? "events" : `${missed} ${missed === 1 ? "event" : "events"}`;
    return { text: GAPS[reason]?.(events) ?? `missing: ${events}`, tone: "bad" };
  }
  return null;
}
