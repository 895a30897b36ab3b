import type { CollectConfig } from "../config/schema.ts";
import type { Collector } from "./collector.ts";
import type { SamplingLevel } from "./governor.ts";

/** How often the collector does what it does by the clock, ms. */
export interface Intervals {
  /** 0: no sampling. */
  sampleMs: number;
  flushMs: number;
}

const RARER_SAMPLING = 5;
const RARER_FLUSHING = 2;

/** The effective settings at a level of the budget. */
export function intervalsAt(
  level: SamplingLevel,
  { sampling, ring }: Pick<CollectConfig, "sampling" | "ring">,
): Intervals {
  const sampleMs = level === 0 ? sampling.intervalMs : level === 1 ? RARER_SAMPLING * sampling.intervalMs : 0;
  return { sampleMs, flushMs: level === 0 ? ring.flushIntervalMs : RARER_FLUSHING * ring.flushIntervalMs };
}

/** The last level: the collector cannot give up more. */
export function lastLevelOf({ sampling }: Pick<CollectConfig, "sampling">): SamplingLevel {
  return sampling.intervalMs > 0 ? 2 : 1;
}

/** Has the collector keep the intervals of that level. */
export function setPace(collector: Collector, level: SamplingLevel, config: CollectConfig): void {
  const { sampleMs, flushMs } = intervalsAt(level, config);
  collector.setSampleInterval(sampleMs);
  collector.setFlushInterval(flushMs);
}
