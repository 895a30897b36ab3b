import type { Section } from "./section.ts";
import { api } from "./sections/api.ts";
import { budget } from "./sections/budget.ts";
import { filters } from "./sections/filters.ts";
import { log } from "./sections/log.ts";
import { metrics } from "./sections/metrics.ts";
import { type OutputFormat, output } from "./sections/output.ts";
import { probes } from "./sections/probes.ts";
import { redaction } from "./sections/redaction.ts";
import { retention } from "./sections/retention.ts";
import { ring } from "./sections/ring.ts";
import { run } from "./sections/run.ts";
import { sampling } from "./sections/sampling.ts";

/**
 * All tables of the configuration file, in the order of the sample. A new table needs a file in sections/ and a line
 * here.
 */
export const SECTIONS = {
  output,
  probes,
  filters,
  sampling,
  api,
  metrics,
  budget,
  redaction,
  ring,
  retention,
  run,
  log,
} as const;

/** Any table, for code that treats all tables in the same way. */
export type AnySection = Section<Record<string, unknown>>;

/** {@link SECTIONS} as a list. */
export const SECTION_LIST = Object.entries(SECTIONS) as unknown as readonly (readonly [string, AnySection])[];

type SettingsOf<S> = { -readonly [N in keyof S]: S[N] extends Section<infer T> ? T : never };

/**
 * Every setting, with defaults filled in. A value is still `auto` if linnix must choose it. The fields are documented
 * where they are declared: sections/<table>.ts.
 */
export type Settings = SettingsOf<typeof SECTIONS>;

/** The settings with which `collect` runs: each `auto` is replaced by a value. */
export interface CollectConfig extends Omit<Settings, "output" | "ring"> {
  output: Omit<Settings["output"], "format"> & { format: OutputFormat };
  ring: {
    /** Data area of one CPU's perf ring, bytes: a power of two. */
    sizeBytes: number;
    /** Bytes in one CPU's ring that wake the reader. */
    watermarkBytes: number;
    /** Longest time that a record waits in a ring, ms. */
    flushIntervalMs: number;
  };
  /** The settings before `auto` was replaced. */
  given: Settings;
}
