import { defaultSettings } from "../config/print.ts";
import type { Settings } from "../config/schema.ts";
import { formatSizeBytes } from "../config/units.ts";
import { settingWords } from "../config/words.ts";
import type { LinnixError } from "../errors.ts";
import { hasNativeCalls } from "../sys/library.ts";
import { tryCollector } from "../workload/trial.ts";
import { type Check, findingOf } from "./check.ts";

/** Result of starting a collector. */
export interface TrialFacts {
  /** Why it cannot run, with the message of `collect`; null if it ran. */
  error: LinnixError | null;
  /** Whether C functions can be called, which measuring needs too. */
  hasNativeCalls: boolean;
}

/**
 * Starts a collector with the settings in force, and ends it immediately. It neither listens nor writes, so it does not
 * disturb a program that uses the address or the file.
 */
export async function readTrial(inForce: Settings): Promise<TrialFacts> {
  const { api, redaction } = defaultSettings();
  const output = { format: "none", file: null } as const;
  const run = { ...inForce.run, durationMs: 0 };
  const words = settingWords({ ...inForce, api, redaction, output, run, log: { level: "info" } });
  return { error: await tryCollector(words), hasNativeCalls: hasNativeCalls() };
}

export function checkTrial({ error }: TrialFacts, ringBytes: number): Check {
  const check = { id: "trial", title: "trial run" };
  if (error === null) {
    const found = `collect starts, loads its programs and opens a ring of ${formatSizeBytes(ringBytes)} for each CPU`;
    return { ...check, status: "ok", found };
  }
  return { ...check, status: "fail", costs: "collect cannot run", ...findingOf(error) };
}
