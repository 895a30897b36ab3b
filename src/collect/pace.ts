import type { CollectConfig } from "../config/schema.ts";
import type { Collector } from "./collector.ts";
import type { SamplingLevel } from "./governor.ts";

/** Intervals of the collector's periodic work. */
export interface Intervals {
  /** 0: no sampling. */
  sampleMs: number;
  flushMs: number;
}

const RARER_SAMPLING = 5;
const RARER_FLUSHING = 2;

/** The effective intervals at a sampling level of the budget. */
export function intervalsAt(
  level: SamplingLevel,
  { sampling, ring }: Pick<CollectConfig, "sampling" | "ring">,
): Intervals {
  const sampleMs = level === 0 ? sampling.intervalMs : level === 1 ? RARER_SAMPLING * sampling.intervalMs : 0;
  return { sampleMs, flushMs: level === 0 ? ring.flushIntervalMs : RARER_FLUSHING * ring.flushIntervalMs };
}

/** The highest sampling level: beyond it there is no sampling to give up. */
export function lastLevelOf({ sampling }: Pick<CollectConfig, "sampling">): SamplingLevel {
  return sampling.intervalMs > 0 ? 2 : 1;
}

/** Sets the collector's intervals to those of a sampling level. */
export function setPace(collector: Collector, level: SamplingLevel, config: CollectConfig): void {
  const { sampleMs, flushMs } = intervalsAt(level, config);
  collector.setSampleInterval(sampleMs);
  collector.setFlushInterval(flushMs);
}
