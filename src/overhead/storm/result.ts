import type { HostFacts } from "../../doctor/host-facts.ts";
import type { VerdictName } from "../../measure/verdict.ts";
import type { DetailLevel } from "../../wire/detail-level.ts";
import type { CountByType } from "../../wire/event.ts";
import type { CaptureCount } from "../capture.ts";

/*
 * The report of `overhead-test --storm`, as `--json` prints it (`linnix.overhead-storm/1`). `*_pct` is % of one core. What
 * was not measured is null. Seconds count from the begin of the storm.
 */

/** What is known before anything is measured. */
export interface StormHead {
  schema: "linnix.overhead-storm/1";
  version: string;
  started: string;
  host: HostFacts;
  /** The collector, as its user would start it. */
  command: string;
  options: {
    /** Processes a second that the neighbour makes. */
    rate: number;
    /** Programs that fork in a loop: linnix itself, and shells. */
    loops: { forkers: number; shells: number };
    warm_up_s: number;
    storm_s: number;
    after_s: number;
    /** After this all processes of the storm are gone, also if linnix was killed. */
    deadline_s: number;
    seed: number;
  };
  cgroups: {
    /** Paths in the v2 hierarchy. */
    storm: string;
    neighbour: string;
    pids_max: number;
    /** 1 of the usual 100, or `cpu.shares` of v1: 2 of the usual 1024. */
    cpu: "cpu.weight 1" | "cpu.shares 2";
    /** Controllers that a v1 hierarchy has. */
    v1_controllers: string[];
  };
  /** The settings that a storm comes up against. */
  budget: { cpu_pct: number; floor: DetailLevel; storm_rate: number | "auto" };
}

export interface StormReport extends StormHead, StormFigures {
  /** Why the run did not get to its end; null if it did. */
  incomplete: string | null;
  verdict: VerdictName;
  /** Sentences, those that decided the verdict first. */
  reasons: string[];
}

/** Everything that was measured. */
export interface StormFigures {
  cost: StormCost | null;
  kernel: StormKernelCost | null;
  /** Of the run's summary; null if the collector did not write one. */
  events: StormEvents | null;
  /** What the storm's own sources had counted instead of sent; null without a storm. */
  storm: StormSums | null;
  steps: StormStep[];
  /** Sources whose events were counted, those with the most first. Also of other processes of the machine. */
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
  /** The most of any 5 s, from 3 s into the storm on. */
  most_pct: number | null;
  after_pct: number | null;
  /** 1.2 times the budget; null if there is none. */
  limit_pct: number | null;
}

/** Time in the collector's BPF programs during the storm, which the processes of the machine pay. */
export interface StormKernelCost {
  pct: number;
  /** Over events that were sent and events that were counted. */
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
  /** How long it lasted. */
  seconds: number;
  /** Events of the whole machine while it lasted: sent, and counted. */
  sent: number;
  suppressed: CountByType;
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

/** The `storm` lines of a source, added up. */
export interface StormSourceFigures {
  /** As people read it. */
  name: string;
  /** Whether it is of this test. */
  is_ours: boolean;
  began_s: number;
  suppressed: CountByType;
  exited: Record<string, number>;
  comms: { comm: string; count: number }[];
}

export interface NeighbourFigures extends CaptureCount {
  rate_achieved: number;
  out_of_order: number;
  /** The most processes that it made within 50 ms: the bucket that the rate is counted in. */
  most_in_50_ms: number;
}
