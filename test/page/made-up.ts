import type { CommandFigures, Commands, Group, Groups, Status } from "../../src/api/answers.ts";
import type { Answers } from "../../src/page/model.ts";
import { COUNTERS } from "../api/made-up.ts";

/** A status in which nothing is missing. */
export function statusWith(changes: Partial<Status> = {}): Status {
  const none = { fork: 0, exec: 0, exit: 0 };
  return {
    ...COUNTERS,
    version: "1.2.3",
    started: "2026-09-21T14:13:20.000Z",
    uptime_s: 10,
    backend: "btf",
    detail: "events",
    missing_fields: [],
    sampling: { source: "task-iterator", interval_ms: 1000 },
    seen: none,
    filtered: none,
    suppressed: none,
    folded: none,
    emitted: none,
    received: none,
    skipped: none,
    lost: 0,
    lost_by_type: none,
    lost_by_reason: { ring_full: 0, no_ring: 0 },
    lost_by_cpu: [],
    unwritten: { lines: 0, bytes: 0, by_type: COUNTERS.unwritten.by_type },
    samples: {
      emitted: 0,
      dropped_output_full: 0,
      dropped_no_memory: 0,
      baseline_missing: 0,
      threads_not_summed: 0,
    },
    unexplained_forks: 0,
    events_per_second: 0,
    history: [],
    processes: { live: 1, lingering: 0, lost_exits: 0 },
    cost: { cpu_pct: 0.25, in_kernel_cpu_pct: 0.125, user_cpu_s: 1, system_cpu_s: 1 },
    memory: { rss_bytes: 1, anon_bytes: 1, file_bytes: 0, table_bytes: 0 },
    budget: { level: 0, step: "as_set" as const, cost_pct: 0.4, budget_pct: 1 },
    api: { clients: 1, max_clients: 4, sent: 0, missed: 0, history: { events: 0, bytes: 0 } },
    ...changes,
  };
}

export function answersWith(changes: Partial<Status> = {}, more: Partial<Answers> = {}): Answers {
  return {
    status: statusWith(changes),
    reasons: [],
    processes: { live: 0, matched: 0, processes: [] },
    commands: commandsWith([]),
    groups: groupsWith(),
    ...more,
  };
}

/** Figures of 60 short-lived processes that used 1 % of a core. */
export function figuresWith(changes: Partial<CommandFigures> = {}): CommandFigures {
  return {
    started: 60,
    execs: 60,
    ended: 60,
    short_lived: 60,
    failed: 0,
    mean_lifetime_s: 0.005,
    cpu_ns: 6e8,
    cpu_unknown: 0,
    cpu_pct: 1,
    busy_share_pct: 2,
    peak_rss_bytes: 4096,
    ...changes,
  };
}

/** The answer for a window of a minute. */
export function commandsWith(commands: Commands["commands"], covered_s = 60): Commands {
  return { window_s: 60, covered_s, matched: commands.length, all: figuresWith(), commands };
}

/** Two live processes of a unit. */
export function groupWith(changes: Partial<Group> = {}): Group {
  return {
    kind: "group",
    unit: "a.service",
    container: null,
    starts: 2,
    execs: 2,
    exits: { ok: 0, error: 0, signal: 0, unknown: 0 },
    cpu_user_s: 1,
    cpu_system_s: 1,
    processes: 2,
    rss_bytes: 4096,
    read_bytes: 0,
    written_bytes: 0,
    mean_lifetime_s: null,
    ...changes,
  };
}

export function groupsWith(...groups: Group[]): Groups {
  return { max_groups: 100, groups, ended: { groups: 0, cpu_s: 0 }, machine: null };
}
