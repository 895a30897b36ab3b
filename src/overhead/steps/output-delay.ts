import { quantileOfSorted } from "../../stats/quantile.ts";
import type { RawOutputDelay } from "../raw.ts";
import type { FileGrowth } from "./file-growth.ts";

/** Most delays that a report has: of more it has that number of quantiles. */
const MOST_DELAYS = 2_001;
const LINE_END_BYTES = 1;
const EVENTS = new Set<unknown>(["fork", "exec", "exit", "process"]);

interface LineFields {
  type?: unknown;
  ts_ns?: unknown;
  level?: unknown;
}

/** Finds out how long after its event each line was in a file, from the lines of the whole file and from its growth. */
export class OutputDelays {
  readonly #growth: FileGrowth;
  readonly #untilNs: number;
  readonly #delaysNs: number[] = [];
  #bytes = 0;
  #unseen = 0;
  #isAboveBudget = false;

  /** @param untilNs later events do not count: the file was not followed long enough for their lines */
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
    // A line that came after the last look took at least until then.
    this.#delaysNs.push((seenNs ?? this.#growth.lastLookNs) - stampNs);
  }

  /** Before the file was followed the last change counts, and then each that reduces the work. */
  #changePace({ ts_ns, level }: LineFields): void {
    if (typeof ts_ns !== "number" || typeof level !== "number") return;
    if (ts_ns < this.#growth.fromNs) this.#isAboveBudget = level > 0;
    else if (ts_ns <= this.#untilNs && level > 0) this.#isAboveBudget = true;
  }

  /** @param flushMs how long a collector within its CPU budget gathers events before it writes them */
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

/** As many quantiles, evenly spaced: the smallest and the largest value among them. */
function thinned(sorted: readonly number[]): number[] {
  return Array.from({ length: MOST_DELAYS }, (_, i) => Math.round(quantileOfSorted(sorted, i / (MOST_DELAYS - 1))));
}

/** When the event of a line happened, CLOCK_BOOTTIME, ns; null if it is another line. */
function stampOf(line: string): number | null {
  const { type, ts_ns } = fieldsOf(line);
  return EVENTS.has(type) && typeof ts_ns === "number" ? ts_ns : null;
}

/** None if it is no JSON: the check of the capture reports such lines. */
function fieldsOf(line: string): LineFields {
  try {
    return (JSON.parse(line) ?? {}) as LineFields;
  } catch {
    return {};
  }
}
