import type { BudgetLevel, BudgetStep } from "../wire/budget-steps.ts";
import type { ConditionName } from "../wire/conditions.ts";
import type { Counters } from "../wire/counters.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { AnswerTime } from "./answer-time.ts";
import type { RateEntry } from "./answers.ts";
import type { Reported } from "./commands.ts";
import type { ShownGroups } from "./group-metrics.ts";

export type ProcessSort = "cpu" | "rss" | "start";

/** Which of the live processes the client requests, and in which order. */
export interface ProcessQuery {
  /** Highest value first; with `start`, the process that started last. */
  sort: ProcessSort;
  limit: number;
  /** Name or number. */
  user: string | null;
  /** Path in the hierarchy. Cgroups below it are included. */
  cgroup: string | null;
  comm: string | null;
}

/** Counters of a bounded cache. */
export interface CacheFacts {
  name: string;
  hits: number;
  misses: number;
  evictions: number;
  entries: number;
}

/** Results of reading the configuration. */
export interface ReloadFacts {
  /** Whether the last reading succeeded; true before the first reload. */
  isGood: boolean;
  /** Wall-clock time of the last reading that succeeded, ms. */
  lastGoodMs: number;
}

/** Facts about the collector. A value is null if it is not known. */
export interface Facts {
  /** True while events are being collected, else the reason why not. */
  collecting: true | "starting" | "stopping";
  /** Wall clock at the start, ms. */
  startedMs: number;
  /** Time since the start, by a clock that is never set. */
  uptimeMs: number;
  backend: string;
  /** The level of detail of processes that start now. */
  detail: DetailLevel;
  missingFields: readonly string[];
  /** Messages of the conditions that hold now, by name. */
  conditions: ReadonlyMap<ConditionName, string>;
  /** Null: off. */
  sampling: { source: "task-iterator" | "proc"; intervalMs: number } | null;
  counters: Counters;
  /** CPUs that have a ring. */
  ringCpus: readonly number[];
  rings: { peakFill: number; peakDelayS: number };
  /** Bytes written to the output so far. */
  writtenBytes: number;
  reload: ReloadFacts;
  /** Storms so far, storms now, and the limit for the events per second of a source; 0: no limit. */
  storms: { begun: number; active: number; rate: number };
  wakeups: number;
  outOfOrder: number;
  /** Over the last seconds. */
  eventsPerSecond: number | null;
  /** Rate and cost of the last minutes, the oldest first. */
  history: readonly RateEntry[];
  live: number;
  lingering: number;
  lostExits: number;
  tableBytes: number;
  caches: readonly CacheFacts[];
  /** Moves of processes between v1 cgroups that were not read in time; null: no program reports moves. */
  lostMoves: number | null;
  /** Own CPU time since the start, s. */
  userCpuS: number;
  systemCpuS: number;
  /** The part of it that went into answering requests, s. */
  answeringCpuS: number;
  /** Own CPU time in % of one core, over the last seconds. */
  cpuPct: number | null;
  /** CPU time of the BPF programs: in % of one core now, and in s since the start. */
  inKernelCpuPct: number | null;
  inKernelCpuS: number | null;
  /** Null: no budget. */
  budget: { level: BudgetLevel; step: BudgetStep; costPct: number | null; budgetPct: number } | null;
}

/** Source of all data that the API reports. */
export interface ApiSource {
  /** A number that changes whenever answers about processes may have changed. */
  readonly generation: number;
  /** CPU time that went into answering requests, so far. */
  readonly answerTime: AnswerTime;
  /** Levels of detail that living processes may have. */
  readonly levels: ReadonlySet<DetailLevel>;
  /** Which events are reported of processes that start now. */
  readonly reported: Reported;
  /** Drains the rings, so that an answer is up to date. If they were just drained, it does so only with `at once`. */
  refresh(when?: "at once"): void;
  /** Called after each drain of the rings. */
  flushed(): void;
  /** The answer `processes`, as JSON. */
  processes(query: ProcessQuery): Uint8Array<ArrayBuffer>;
  /** The newest process in the table with that pid, live or exited, as JSON; null if there is none. */
  process(pid: number): Uint8Array<ArrayBuffer> | null;
  graph(pid: number): Uint8Array<ArrayBuffer> | null;
  facts(): Facts;
  /** Figures by unit and container, up to date; null if `metrics.groups` is false. */
  groups(): ShownGroups | null;
}
