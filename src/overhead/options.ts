import type { Settings } from "../config/schema.ts";
import { PROFILES, type ProfileName } from "../workload/profiles.ts";

/** The subject of a test. */
export type SubjectChoice =
  /** This very program's `collect`, with these settings. */
  | { kind: "linnix"; settings: Settings }
  /** A command that the test starts, stops, and starts again. */
  | { kind: "command"; argv: readonly string[] }
  /** Processes that run already, each with its descendants. */
  | { kind: "pid"; pids: readonly number[] };

/** The profiles that `--profile` accepts. */
export const TEST_PROFILES = ["small-server", "busy-api", "ci-runner", "seed"] as const satisfies ProfileName[];
export type TestProfile = (typeof TEST_PROFILES)[number];

/** Parts of the claim that a user can exclude, because they cannot be measured with some subjects. */
export const EXCLUDABLE_PARTS = ["lost", "capture", "slowdown"] as const;
export type ExcludablePart = (typeof EXCLUDABLE_PARTS)[number];

/** The options of a test. */
export interface OverheadOptions {
  subject: SubjectChoice;
  /** How long the machine is watched without the subject, ms. */
  baselineMs: number;
  /** How long the subject is watched under the workload, ms. */
  durationMs: number;
  /** Length of one sample, ms. */
  intervalMs: number;
  /** The claim: total cost below this, % of one core. */
  thresholdPct: number;
  /** Spawns a second; null: the rate of the profile. */
  rate: number | null;
  profile: TestProfile;
  /** Seed of everything that is drawn at random. */
  seed: number;
  /** Parts of the claim that are not judged. */
  without?: readonly ExcludablePart[];
  /** Shorter phases, for a first impression. */
  quick: boolean;
}

/** Default durations, ms. */
export const DEFAULT_MS = { baseline: 10_000, duration: 60_000, interval: 2_000 } as const;
export const QUICK_MS = { baseline: 2_000, duration: 7_000, interval: 1_000 } as const;

/** The workload's rate of spawns, per second. */
export function askedRate({ rate, profile }: Pick<OverheadOptions, "rate" | "profile">): number {
  return rate ?? PROFILES[profile].rate;
}
