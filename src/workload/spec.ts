import { availableParallelism } from "node:os";
import { z } from "zod";
import { usageError } from "../errors.ts";
import { type MixShare, PROFILE_NAMES, PROFILES, type ProfileName } from "./profiles.ts";
import { PROGRAMS } from "./programs.ts";

/** Limits that no workload exceeds, whatever its settings are. */
export const LIMITS = {
  rate: 20_000,
  durationMs: 3_600_000,
  spawns: 1_000_000,
  outstanding: 4096,
  lifetimeMs: 10_000,
  drainMs: 20_000,
  mix: 64,
} as const;

const share = z
  .strictObject({
    program: z.enum(PROGRAMS),
    share: z.number().positive().max(1e6),
    lifetimeMs: z.number().int().min(1).max(LIMITS.lifetimeMs).optional(),
  })
  .refine((part) => part.program !== "sleep" || part.lifetimeMs !== undefined, "sleep needs lifetimeMs");

const schema = z.strictObject({
  profile: z.enum(PROFILE_NAMES as [ProfileName, ...ProfileName[]]).default("seed"),
  mix: z.array(share).min(1).max(LIMITS.mix).optional(),
  rate: z.number().min(0).max(LIMITS.rate).optional(),
  durationMs: z.number().positive().max(LIMITS.durationMs).default(60_000),
  maxSpawns: z.number().int().min(1).max(LIMITS.spawns).default(LIMITS.spawns),
  maxOutstanding: z.number().int().min(1).max(LIMITS.outstanding).optional(),
  drainMs: z.number().min(0).max(LIMITS.drainMs).optional(),
  seed: z.number().int().min(0).max(0xffffffff).default(1),
  jitter: z.boolean().default(false),
});

/** The settings of a workload. Every setting has a default. */
export interface WorkloadSpec {
  /** Sets mix and rate if they are not given; `seed` by default. */
  profile?: ProfileName | undefined;
  mix?: readonly MixShare[] | undefined;
  /** Spawns a second; 0: as fast as possible. At most 20,000. */
  rate?: number | undefined;
  /** Ends by itself after this, ms; 60,000 by default, one hour at most. */
  durationMs?: number | undefined;
  /** Ends by itself after this many spawns; one million by default and at most. */
  maxSpawns?: number | undefined;
  /** Most children alive at the same time; by default 256, at full speed two per CPU. */
  maxOutstanding?: number | undefined;
  /** How long the last children may take to end before they are killed, ms; by default the longest lifetime + 1 s. */
  drainMs?: number | undefined;
  /** Seed of the order of the mix, the arguments, the jitter and the sample files; 1 by default. */
  seed?: number | undefined;
  /** Whether each spawn is due at a random time in its period, so that no observer of the same period is in step. */
  jitter?: boolean | undefined;
}

/** A spec with a value for every setting. */
export interface WorkloadPlan {
  profile: ProfileName;
  mix: readonly MixShare[];
  rate: number;
  durationMs: number;
  maxSpawns: number;
  maxOutstanding: number;
  drainMs: number;
  seed: number;
  jitter: boolean;
}

/**
 * Checks a spec and fills in the defaults.
 *
 * @throws LinnixError (usage) that names the key and what was expected
 */
export function planWorkload(spec: unknown): WorkloadPlan {
  const parsed = schema.safeParse(spec);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = issue?.path.join(".") || "it";
    throw usageError("bad-workload", {
      what: "the workload is not possible",
      why: `${key}: ${issue?.message ?? "bad value"}`,
      hint: `profiles are ${PROFILE_NAMES.join(", ")}; the rate is 0 (full speed) to ${LIMITS.rate} a second`,
    });
  }
  const asked = parsed.data;
  const profile = PROFILES[asked.profile];
  const mix: readonly MixShare[] = asked.mix ?? profile.mix;
  const rate = asked.rate ?? profile.rate;
  const longestMs = Math.max(0, ...mix.map((part) => part.lifetimeMs ?? 0));
  return {
    profile: asked.profile,
    mix,
    rate,
    durationMs: asked.durationMs,
    maxSpawns: asked.maxSpawns,
    maxOutstanding: asked.maxOutstanding ?? (rate === 0 ? 2 * availableParallelism() : 256),
    drainMs: asked.drainMs ?? longestMs + 1000,
    seed: asked.seed,
    jitter: asked.jitter,
  };
}
