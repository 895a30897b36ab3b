import type { ApiServer } from "../api/server.ts";
import type { ReloadFacts } from "../api/source.ts";
import type { CollectConfig } from "../config/schema.ts";
import type { Output } from "../sinks/output.ts";
import type { Counters } from "../wire/counters.ts";
import type { Collector } from "./collector.ts";
import type { Spending } from "./spending.ts";

export type Phase = "starting" | "watching" | "stopping";

/**
 * The parts of a run that the API and the state dump read. Each property has its current value; it is undefined while the run
 * does not have that part.
 */
export interface RunParts {
  readonly phase: Phase;
  /** The settings in force now. A reload can change them. */
  readonly config: CollectConfig;
  readonly collector: Collector;
  readonly output: Output | undefined;
  readonly api: ApiServer | undefined;
  readonly spending: Spending | undefined;
  /** The result of the last reload of the configuration; null before the first one. */
  readonly lastReload: ReloadFacts | null;
  /** All counts so far. Reading them makes some system calls. */
  counters(): Counters;
}
