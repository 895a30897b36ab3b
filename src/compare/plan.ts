import { lifetimeMix, type MixShare, PROFILES } from "../workload/profiles.ts";
import { type CompareOptions, ORDINARY_SHARE } from "./options.ts";

/** A comparison with every choice made. Times in ms. */
export interface ComparePlan {
  /** How often each method has its turn. */
  rounds: number;
  /** How long the workload runs before the clocks are read: the longest-lived are then ending as often as they begin. */
  leadMs: number;
  /** The time between the readings of the clocks; a whole number of intervals, so that each holds as many looks. */
  windowMs: number;
  mix: readonly MixShare[];
  /** Timed spawns in a block, and blocks at each place in the schedule. */
  blockSpawns: number;
  blocks: number;
  /** How long methods that are told by the kernel warm up, and most spawns one after the other meanwhile. */
  warmUpMs: number;
  warmUpSpawns: number;
  /** Most time for one block. */
  blockMs: number;
  /** No method gets a second turn after this; null: they all do. */
  roundsUntilMs: number | null;
  /** No size of the second half is begun after this. */
  growthUntilMs: number | null;
  /** How long a method is watched at each number of processes, and how often it looks then. */
  growthWindowMs: number;
  growthIntervalMs: number;
}

const DEFAULT = { rounds: 2, leadMs: 1000, durationMs: 4000 } as const;
const QUICK = { rounds: 1, leadMs: 700, durationMs: 1000 } as const;

/** Makes the choices. Without a duration the whole takes less than four minutes, or less than one where it is quick. */
export function planCompare(options: CompareOptions): ComparePlan {
  const { quick, durationMs, intervalMs } = options;
  const { rounds, leadMs, durationMs: usual } = quick ? QUICK : DEFAULT;
  const each = (durationMs ?? usual) / rounds;
  return {
    rounds,
    leadMs,
    windowMs: Math.max(1, Math.round(each / intervalMs)) * intervalMs,
    mix: workloadMix(options),
    blockSpawns: 100,
    blocks: quick ? 2 : 3,
    warmUpMs: quick ? 800 : 2600,
    warmUpSpawns: quick ? 1000 : 4000,
    blockMs: 1000,
    roundsUntilMs: durationMs === null ? 175_000 : null,
    growthUntilMs: durationMs === null ? 205_000 : null,
    growthWindowMs: 1500,
    growthIntervalMs: 200,
  };
}

/** Processes of known lifetimes, and the ordinary ones. */
function workloadMix({ lifetimes }: CompareOptions): MixShare[] {
  const ordinary = PROFILES.seed.mix;
  const weight = (shares: readonly { share: number }[]): number => shares.reduce((sum, { share }) => sum + share, 0);
  const factor = (ORDINARY_SHARE / (1 - ORDINARY_SHARE)) * (weight(lifetimes) / weight(ordinary));
  return [...lifetimeMix(lifetimes), ...ordinary.map((part) => ({ ...part, share: part.share * factor }))];
}
