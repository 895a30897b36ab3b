import type { Settings } from "../../config/schema.ts";
import { EVENTS_PER_PROCESS, type MixShare } from "../../workload/profiles.ts";
import { type LoopCounts, loopsFor } from "./loops.ts";

/** The options of a storm. */
export interface StormOptions {
  /** The collector's settings in force. */
  settings: Settings;
  /** Processes a second that the neighbour makes. */
  rate: number;
  /** Seed of the neighbour's workload. */
  seed: number;
  loops: LoopCounts;
  /** The neighbour alone, ms. */
  warmUpMs: number;
  /** The storm, ms. Must be below `DEADLINE_S`. */
  stormMs: number;
  /** The neighbour alone again, ms. */
  afterMs: number;
}

/** Cheap programs with known arguments and results. They are cheap so that the storm gets most of the machine. */
export const NEIGHBOUR_MIX: readonly MixShare[] = [
  { program: "true", share: 2 },
  { program: "exit", share: 1 },
  { program: "signal", share: 1 },
];
const RATE = 100;

/** The options of the command. */
export function stormOptions(settings: Settings, rate = RATE): StormOptions {
  return { settings, rate, seed: 1, loops: loopsFor(), warmUpMs: 20_000, stormMs: 12_000, afterMs: 5_000 };
}

/** The lowest rate to which `--storm-rate auto` falls, see docs/storms.md. */
const LEAST_AUTO_RATE = 1000;
/** A quiet neighbour stays below this share of the rate. */
const QUIET = 0.9;

/** The lowest rate above which a source may be limited, events a second. */
export function lowestStormRate({ stormRate }: Pick<Settings["budget"], "stormRate">): number {
  if (stormRate === "auto") return LEAST_AUTO_RATE;
  return stormRate === 0 ? Number.POSITIVE_INFINITY : stormRate;
}

/** The most processes a second that the neighbour may make without being a storm itself. */
export function mostQuietRate(budget: Pick<Settings["budget"], "stormRate">): number {
  return Math.floor((QUIET * lowestStormRate(budget)) / EVENTS_PER_PROCESS);
}
