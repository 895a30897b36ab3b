import { quantileOfSorted } from "../../stats/quantile.ts";
import type { RawOutputDelay } from "../raw.ts";
import type { FileGrowth } from "./file-growth.ts";

/** Most delays in a report. If there are more, the report has this number of quantiles instead. */
const MOST_DELAYS = 2_001;
const LINE_END_BYTES = 1;
const EVENTS = new Set<unknown>(["fork", "exec", "exit", "process"]);

interface LineFields {
  type?: unknown;
  ts_ns?: unknown;
  level?: unknown;
}

/** Computes the time from each event until its line was in the file, from all lines of the file and its growth. */
export class OutputDelays {
  readonly #growth: FileGrowth;
  readonly #untilNs: number;
  readonly #delaysNs: number[] = [];
  #bytes = 0;
  #unseen = 0;
  #isAboveBudget = false;

  /** @param untilNs later events do not count, because the file was not followed long enough to see their lines */
  constructor(growth: FileGrowth, untilNs: number) {
    this.#growth = growth;
    this.#untilNs = untilNs;
  }

  /** Takes the next line. */
  add(line: string): void {
    this.#bytes += Buffer.byteLength(line) + LINE_END_BYTES;
    if (line.startsWith('{"type":"degraded"')) this.#changePace(fieldsOf(line));
    if (this.#bytes <= this.#growth.fromBytes) return;
    const stampNs = stampOf(line);
    if (stampNs === null || stampNs < this.#growth.fromNs || stampNs > this.#untilNs) return;
    const seenNs = this.#growth.reachedNs(this.#bytes);
    if (seenNs === null) this.#unseen++;
    // The delay of a line that was written after the last look is at least the time until that look.
    this.#delaysNs.push((seenNs ?? this.#growth.lastLookNs) - stampNs);
  }

  /** Records whether the collector was above its budget at any time from the first look to `untilNs`. */
  #changePace({ ts_ns, level }: LineFields): void {
    if (typeof ts_ns !== "number" || typeof level !== "number") return;
    if (ts_ns < this.#growth.fromNs) this.#isAboveBudget = level > 0;
    else if (ts_ns <= this.#untilNs && level > 0) this.#isAboveBudget = true;
  }

  /**
   * @param flushMs for how long a collector within its CPU budget gathers events
   * @returns null if no line counted
   */
  result(flushMs: number): RawOutputDelay | null {
    if (this.#delaysNs.length === 0) return null;
    const sorted = this.#delaysNs.map((ns) => Math.round(ns / 1000)).sort((a, b) => a - b);
    return {
      lines: sorted.length,
      unseen: this.#unseen,
      flush_ms: this.#isAboveBudget ? null : flushMs,
      delays_us: sorted.length <= MOST_DELAYS ? sorted : thinned(sorted),
    };
  }
}

/** `MOST_DELAYS` evenly spaced quantiles, the smallest and the largest value included. */
function thinned(sorted: readonly number[]): number[] {
  return Array.from({ length: MOST_DELAYS }, (_, i) => Math.round(quantileOfSorted(sorted, i / (MOST_DELAYS - 1))));
}

/** Time of the event of a line, CLOCK_BOOTTIME, ns; null if the line is not that of an event. */
function stampOf(line: string): number | null {
  const { type, ts_ns } = fieldsOf(line);
  return EVENTS.has(type) && typeof ts_ns === "number" ? ts_ns : null;
}

/** The fields of a line; no fields if it is not JSON, because the check of the capture reports such lines. */
function fieldsOf(line: string): LineFields {
  try {
    return (JSON.parse(line) ?? {}) as LineFields;
  } catch {
    return {};
  }
}
