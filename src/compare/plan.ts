import { lifetimeMix, type MixShare, PROFILES } from "../workload/profiles.ts";
import { type CompareOptions, ORDINARY_SHARE } from "./options.ts";

/** A comparison with a value for every setting. Times in ms. */
export interface ComparePlan {
  /** Number of turns of each method. */
  rounds: number;
  /**
   * How long the workload runs before the clocks are read. Processes that live for at most this time then end as often
   * as they begin. With `quick` that may not be true of the longest lifetimes.
   */
  leadMs: number;
  /** Time between the readings of the clocks: a whole number of intervals, so that each window has as many looks. */
  windowMs: number;
  /** The same for event methods. The window is whole seconds, because linnix reads its rings once a second. */
  eventLeadMs: number;
  eventWindowMs: number;
  mix: readonly MixShare[];
  /** Timed spawns in a block, and blocks at each place in the schedule. */
  blockSpawns: number;
  blocks: number;
  /** Event methods warm up in steps until their cost has settled, in at most `mostSteps`. */
  warmUp: { stepMs: number; mostSteps: number };
  /** Maximum time for one block. */
  blockMs: number;
  /** After this time methods have only their first turn; null: no limit. */
  roundsUntilMs: number | null;
  /** After this time no further number of sleeping processes is measured; null: no limit. */
  growthUntilMs: number | null;
  /** How long a polling method is measured at each number of processes, and its interval there. */
  growthWindowMs: number;
  growthIntervalMs: number;
}

const DEFAULT = { rounds: 2, leadMs: 1000, durationMs: 4000, eventWindowMs: 3000 } as const;
const QUICK = { rounds: 1, leadMs: 700, durationMs: 1000, eventWindowMs: 1000 } as const;
/** After this time a reader that gathers events for a second has read all events from before the workload. */
const EVENT_LEAD_MS = 1200;

/** Makes a plan. Without `durationMs` the comparison takes less than five minutes, or less than 75 s with `quick`. */
export function planCompare(options: CompareOptions): ComparePlan {
  const { quick, durationMs, intervalMs } = options;
  const { rounds, leadMs, durationMs: usual, eventWindowMs } = quick ? QUICK : DEFAULT;
  const each = (durationMs ?? usual) / rounds;
  const mix = workloadMix(options);
  const settledMs = quick ? leadMs : Math.max(leadMs, ...mix.map(({ lifetimeMs = 0 }) => lifetimeMs));
  const windowMs = Math.max(1, Math.round(each / intervalMs)) * intervalMs;
  return {
    rounds,
    leadMs: settledMs,
    windowMs,
    eventLeadMs: Math.max(settledMs, EVENT_LEAD_MS),
    eventWindowMs: Math.ceil(Math.max(durationMs === null ? eventWindowMs : 0, windowMs) / 1000) * 1000,
    mix,
    blockSpawns: 100,
    blocks: quick ? 2 : 3,
    warmUp: quick ? { stepMs: 400, mostSteps: 12 } : { stepMs: 800, mostSteps: 12 },
    blockMs: 1000,
    roundsUntilMs: durationMs === null ? 205_000 : null,
    growthUntilMs: durationMs === null ? 230_000 : null,
    growthWindowMs: 1500,
    growthIntervalMs: 200,
  };
}

/** Processes of known lifetimes, and `ORDINARY_SHARE` of the ordinary mix. */
function workloadMix({ lifetimes }: CompareOptions): MixShare[] {
  const ordinary = PROFILES.seed.mix;
  const weight = (shares: readonly { share: number }[]): number => shares.reduce((sum, { share }) => sum + share, 0);
  const factor = (ORDINARY_SHARE / (1 - ORDINARY_SHARE)) * (weight(lifetimes) / weight(ordinary));
  return [...lifetimeMix(lifetimes), ...ordinary.map((part) => ({ ...part, share: part.share * factor }))];
}
