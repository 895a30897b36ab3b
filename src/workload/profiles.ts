import type { Program } from "./programs.ts";

/** One part of a mix. */
export interface MixShare {
  program: Program;
  /** Weight; only the ratio to the mix's sum counts. */
  share: number;
  /** For `sleep`: its lifetime, ms. For `true`: what it represents. */
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

/** Number of events of one spawned process: fork, exec, exit. */
export const EVENTS_PER_PROCESS = 3;

/** The spawns a second that make this many events a day. */
export function rateOfEventsPerDay(eventsPerDay: number): number {
  return eventsPerDay / EVENTS_PER_PROCESS / 86_400;
}

/** Processes of known lifetimes: 1 ms (as short as an exec can be) is `true`, anything longer is slept. */
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
  /** Short helpers a request or a health check. */
  "busy-api": environment(500_000, [
    { program: "true", share: 4, lifetimeMs: 1 },
    { program: "ls", share: 2 },
    { program: "sha256sum", share: 3 },
    { program: "sleep", share: 3, lifetimeMs: 10 },
    { program: "sleep", share: 1, lifetimeMs: 100 },
  ]),
  /** Build steps: many tiny tools, a few that take their time, some that fail. */
  "ci-runner": environment(2_000_000, [
    { program: "true", share: 3, lifetimeMs: 1 },
    { program: "ls", share: 3 },
    { program: "find", share: 3 },
    { program: "sha256sum", share: 4 },
    { program: "exit", share: 1 },
    { program: "sleep", share: 2, lifetimeMs: 100 },
    { program: "sleep", share: 1, lifetimeMs: 1000 },
  ]),
  /** What polling sees depends on how long a process lives: one equal part for each order of magnitude. */
  lifetimes: {
    rate: 50,
    eventsPerDay: null,
    mix: lifetimeMix([1, 10, 100, 1000].map((lifetimeMs) => ({ lifetimeMs, share: 1 }))),
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
