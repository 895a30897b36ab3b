/** A lifetime, and its share of the workload's processes. */
export interface LifetimeShare {
  lifetimeMs: number;
  /** Weight; only the ratio to the sum counts. */
  share: number;
}

/** The settings of a comparison. */
export interface CompareOptions {
  /** Names of methods; null: all. */
  methods: readonly string[] | null;
  /** Time between two looks of a polling method, ms. */
  intervalMs: number;
  /** Spawns a second. */
  rate: number;
  /** How long each method is measured, all rounds together, ms; null: the plan's. */
  durationMs: number | null;
  quick: boolean;
  /** Seed of everything that is drawn at random. */
  seed: number;
  lifetimes: readonly LifetimeShare[];
  /** Numbers of sleeping processes at which the methods are measured; empty: not at all. */
  processes: readonly number[];
  forceAudit: boolean;
}

export const DEFAULT_INTERVAL_MS = 1000;
export const DEFAULT_RATE = 100;
/** From about the shortest possible lifetime of an exec up to a thousand times as long, in equal shares. */
export const DEFAULT_LIFETIMES: readonly LifetimeShare[] = [1, 10, 100, 1000].map((lifetimeMs) => ({
  lifetimeMs,
  share: 1,
}));
export const DEFAULT_PROCESSES: readonly number[] = [100, 500, 2000];

/** Share of processes from the ordinary mix of the overhead test, which live for as long as their work takes. */
export const ORDINARY_SHARE = 0.2;

/** Limits that no comparison exceeds. */
export const LIMITS = {
  rate: 1000,
  durationMs: 600_000,
  intervalMs: 60_000,
  processes: 5000,
  lifetimeMs: 10_000,
} as const;
