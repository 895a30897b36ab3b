import type { CompareOptions } from "./options.ts";
import type { ComparePlan } from "./plan.ts";
import type { SpawnTimer } from "./spawn-timer.ts";

/** What all sessions of a comparison have in common. */
export interface SessionSetting {
  options: CompareOptions;
  plan: ComparePlan;
  timer: SpawnTimer;
  tempDir: string;
  signal: AbortSignal;
}
