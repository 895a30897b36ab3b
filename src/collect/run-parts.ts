import type { ApiServer } from "../api/server.ts";
import type { ReloadFacts } from "../api/source.ts";
import type { CollectConfig } from "../config/schema.ts";
import type { Output } from "../sinks/output.ts";
import type { Counters } from "../wire/counters.ts";
import type { Collector } from "./collector.ts";
import type { Spending } from "./spending.ts";

export type Phase = "starting" | "watching" | "stopping";

/** A run as its reports see it: the parts in the order of the data, as they are at the moment. */
export interface RunParts {
  readonly phase: Phase;
  /** In force now: a reload changes it. */
  readonly config: CollectConfig;
  readonly collector: Collector;
  readonly output: Output | undefined;
  readonly api: ApiServer | undefined;
  readonly spending: Spending | undefined;
  /** What came of the last reading of the configuration; null until there was one. */
  readonly lastReload: ReloadFacts | null;
  /** All counts so far. Some system calls. */
  counters(): Counters;
}
