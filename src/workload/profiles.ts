import type { Program } from "./programs.ts";

/** One part of a mix. */
export interface MixShare {
  program: Program;
  /** Weight; only its ratio to the sum of the mix counts. */
  share: number;
  /** For `sleep`: its lifetime, ms. For `true`: the lifetime that it stands for, ms. */
  lifetimeMs?: number | undefined;
}

/** A workload with a name. */
export interface Profile {
  /** Spawns a second. */
  rate: number;
  /** The number of events in a day; null if it represents no environment. */
  eventsPerDay: number | null;
  mix: readonly MixShare[];
}

/** Events of one spawned process: fork, exec, exit. */
export const EVENTS_PER_PROCESS = 3;

/** The spawns a second that make this many events a day. */
export function rateOfEventsPerDay(eventsPerDay: number): number {
  return eventsPerDay / EVENTS_PER_PROCESS / 86_400;
}

/** A mix of known lifetimes: `true` for 1 ms or less (about the shortest possible), `sleep` for longer ones. */
export function lifetimeMix(shares: readonly { lifetimeMs: number; share: number }[]): MixShare[] {
  return shares.map(({ lifetimeMs, share }) => ({
    program: lifetimeMs <= 1 ? "true" : "sleep",
    lifetimeMs,
    share,
  }));
}

function environment(eventsPerDay: number, mix: readonly MixShare[]): Profile {
  return { rate: rateOfEventsPerDay(eventsPerDay), eventsPerDay, mix };
}

/** The workloads that `--profile` accepts, and `lifetimes`, which it does not accept. */
export const PROFILES = {
  /** The default mix: listing, searching, asking, computing. */
  seed: {
    rate: 100,
    eventsPerDay: null,
    mix: [
      { program: "ls", share: 1 },
      { program: "find", share: 1 },
      { program: "ps", share: 1 },
      { program: "sha256sum", share: 1 },
    ],
  },
  /** Cron jobs, log rotation, a check now and then. */
  "small-server": environment(50_000, [
    { program: "ls", share: 3 },
    { program: "ps", share: 3 },
    { program: "find", share: 2 },
    { program: "sha256sum", share: 1 },
    { program: "sleep", share: 1, lifetimeMs: 10 },
  ]),
  /** Short helper programs, such as one for each request or health check. */
  "busy-api": environment(500_000, [
    { program: "true", share: 4, lifetimeMs: 1 },
    { program: "ls", share: 2 },
    { program: "sha256sum", share: 3 },
    { program: "sleep", share: 3, lifetimeMs: 10 },
    { program: "sleep", share: 1, lifetimeMs: 100 },
  ]),
  /** Build steps: many short tools, a few that run longer, some that fail. */
  "ci-runner": environment(2_000_000, [
    { program: "true", share: 3, lifetimeMs: 1 },
    { program: "ls", share: 3 },
    { program: "find", share: 3 },
    { program: "sha256sum", share: 4 },
    { program: "exit", share: 1 },
    { program: "sleep", share: 2, lifetimeMs: 100 },
    { program: "sleep", share: 1, lifetimeMs: 1000 },
  ]),
  /** Equal parts of four lifetimes, from 1 ms to 1 s: which processes polling sees depends on their lifetime. */
  lifetimes: {
    rate: 50,
    eventsPerDay: null,
    mix: lifetimeMix([1, 10, 100, 1000].map((lifetimeMs) => ({ lifetimeMs, share: 1 }))),
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
