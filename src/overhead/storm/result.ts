import type { HostFacts } from "../../doctor/host-facts.ts";
import type { VerdictName } from "../../measure/verdict.ts";
import type { DetailLevel } from "../../wire/detail-level.ts";
import type { CountByType } from "../../wire/event.ts";
import type { CaptureCount } from "../capture.ts";

/*
 * The report of `overhead-test --storm`, as `--json` prints it (`linnix.overhead-storm/1`). `*_pct` is % of one core. A
 * figure that was not measured is null. `at_s` and `began_s` count from the begin of the storm.
 */

/** The part of a report that is known before anything is measured. */
export interface StormHead {
  schema: "linnix.overhead-storm/1";
  version: string;
  started: string;
  host: HostFacts;
  /** The command line of the collector. */
  command: string;
  options: {
    /** Processes a second that the neighbour makes. */
    rate: number;
    /** Programs that fork in a loop: linnix itself, and shells. */
    loops: { forkers: number; shells: number };
    warm_up_s: number;
    storm_s: number;
    after_s: number;
    /** After this time all processes of the storm have ended, even if linnix was killed. */
    deadline_s: number;
    seed: number;
  };
  cgroups: {
    /** Paths in the v2 hierarchy. */
    storm: string;
    neighbour: string;
    pids_max: number;
    /** The default of `cpu.weight` is 100, that of `cpu.shares` in v1 is 1024. */
    cpu: "cpu.weight 1" | "cpu.shares 2";
    /** Controllers that a v1 hierarchy has. */
    v1_controllers: string[];
  };
  /** The settings that limit the events of a storm. */
  budget: { cpu_pct: number; floor: DetailLevel; storm_rate: number | "auto" };
}

export interface StormReport extends StormHead, StormFigures {
  /** Why the run ended early; null if it did not. */
  incomplete: string | null;
  verdict: VerdictName;
  /** The reasons as sentences. Those that decided the verdict come first. */
  reasons: string[];
}

/** Everything that was measured. */
export interface StormFigures {
  cost: StormCost | null;
  kernel: StormKernelCost | null;
  /** Counts of the collector's summary; null if it did not write one. */
  events: StormEvents | null;
  /** Events of the storm, sent and suppressed; null without a storm. */
  storm: StormSums | null;
  steps: StormStep[];
  /** Sources with suppressed events, the largest number first. They include sources outside of this test. */
  sources: StormSourceFigures[];
  neighbour: NeighbourFigures | null;
  /** How the collector ended by itself; null if it did not. */
  problem: string | null;
}

/** CPU time of the collector's process. */
export interface StormCost {
  /** The second half of the time with the neighbour alone. */
  before_pct: number | null;
  storm_pct: number | null;
  /** The highest average over 5 s, from 3 s into the storm on. */
  most_pct: number | null;
  after_pct: number | null;
  /** 1.2 times the budget; null if there is none. */
  limit_pct: number | null;
}

/** Time in the collector's BPF programs during the storm. It is part of the CPU time of the watched processes. */
export interface StormKernelCost {
  pct: number;
  /** The time divided by the number of sent and suppressed events. */
  ns_per_event: number | null;
}

export interface StormEvents {
  seen: CountByType;
  filtered: CountByType;
  suppressed: CountByType;
  folded: CountByType;
  emitted: CountByType;
  received: CountByType;
  lost: number;
  lost_by_type: CountByType;
  lost_by_reason: Record<string, number>;
}

export interface StormSums {
  /** Duration of the storm. */
  seconds: number;
  /** Events of the whole machine that were sent during the storm. */
  sent: number;
  /** Events of the storm's own sources that were counted instead of sent. */
  suppressed: CountByType;
  /** Suppressed exits, by result. */
  exited: Record<string, number>;
}

/** A `degraded` line of the collector. */
export interface StormStep {
  at_s: number;
  step: string;
  level: number;
  reason: string;
  cost_pct: number | null;
}

/** The sums of the `storm` lines of a source. */
export interface StormSourceFigures {
  /** A readable name. */
  name: string;
  /** Whether its cgroup is that of this test's storm. */
  is_ours: boolean;
  began_s: number;
  suppressed: CountByType;
  exited: Record<string, number>;
  comms: { comm: string; count: number }[];
}

export interface NeighbourFigures extends CaptureCount {
  rate_achieved: number;
  out_of_order: number;
  /** The most processes that it made within 50 ms, the length of the buckets in which a rate is counted. */
  most_in_50_ms: number;
}
