/**
 * Schemas of all answers. The types of the handlers and the OpenAPI document are derived from them. This file is loaded
 * at run time only when the OpenAPI document is requested.
 */

import * as z from "zod/mini";
import { BUDGET_STEPS } from "../wire/budget-steps.ts";
import { EVENT_COUNTER_NAMES, PAGE_FAULT_COUNTER_NAMES, SAMPLE_LOSS_NAMES } from "../wire/counters.ts";
import { DETAIL_LEVELS } from "../wire/detail-level.ts";
import { CONTAINER_RUNTIMES, COUNTED_TYPES, LOSS_REASONS } from "../wire/event.ts";
import { UNWRITTEN_TYPES } from "../wire/unwritten.ts";
import { GAP_REASONS } from "./stream-client.ts";

z.config({ jitless: true });

const count = z.int().check(z.nonnegative());
const bytes = count;
const ratePct = z.number().check(z.nonnegative());
/** An integer that can exceed 2^53. The JSON contains it exactly. */
const uint64 = z.bigint();
/** An object with these keys, whose values all have the same shape. */
const each = <Name extends string, Shape>(names: readonly Name[], shape: Shape) =>
  Object.fromEntries(names.map((name) => [name, shape])) as Record<Name, Shape>;
const byType = z.object(each(COUNTED_TYPES, count));
const byReason = z.object(each(LOSS_REASONS, count));

/** For a container that boots a whole system (LXC, systemd-nspawn), `id` is its name. */
export const container = z.object({ id: z.string(), runtime: z.enum(CONTAINER_RUNTIMES) });

export const process = z.object({
  pid: count,
  ppid: z.nullable(count),
  uid: count,
  gid: z.nullable(count),
  euid: z.nullable(count),
  egid: z.nullable(count),
  auid: z.nullable(count),
  user: z.nullable(z.string()),
  group: z.nullable(z.string()),
  comm: z.string(),
  exe: z.nullable(z.string()),
  args: z.nullable(z.array(z.string())),
  args_truncated: z.nullable(z.boolean()),
  exe_truncated: z.nullable(z.boolean()),
  start_ns: z.nullable(uint64),
  cgroup_id: z.nullable(uint64),
  cgroup: z.nullable(z.string()),
  container: z.nullable(container),
  pod_uid: z.nullable(z.string()),
  unit: z.nullable(z.string()),
  cpu_pct: z.nullable(ratePct),
  rss_bytes: z.nullable(bytes),
  threads: z.nullable(count),
  state: z.enum(["live", "exited"]),
  exited_ns: z.nullable(uint64),
  exit_code: z.nullable(count),
  signal: z.nullable(z.string()),
  core_dumped: z.nullable(z.boolean()),
});

export const processes = z.object({ live: count, matched: count, processes: z.array(process) });

export const graph = z.object({
  process,
  ancestors: z.array(process),
  descendants: z.array(process),
  truncated: z.boolean(),
});

export const health = z.object({ status: z.literal("alive"), version: z.string() });

export const readiness = z.object({
  status: z.enum(["ready", "degraded"]),
  reasons: z.array(z.string()),
  backend: z.string(),
  sampling: z.nullable(z.string()),
  missing_fields: z.array(z.string()),
});

/** One window of about ten seconds: events per second that the kernel side saw, and the CPU time of linnix. */
const rateEntry = z.object({
  time: z.iso.datetime(),
  seconds: z.number(),
  ...each(COUNTED_TYPES, ratePct),
  cpu_pct: ratePct,
  in_kernel_cpu_pct: z.nullable(ratePct),
});

export const status = z.object({
  version: z.string(),
  started: z.iso.datetime(),
  uptime_s: z.number(),
  backend: z.string(),
  detail: z.enum(DETAIL_LEVELS),
  missing_fields: z.array(z.string()),
  sampling: z.nullable(z.object({ source: z.string(), interval_ms: count })),
  ...each(EVENT_COUNTER_NAMES, byType),
  lost: count,
  lost_by_type: byType,
  lost_by_reason: byReason,
  lost_by_cpu: z.array(z.object({ cpu: count, lost: count })),
  page_faults: z.nullable(
    z.object({ ...each(PAGE_FAULT_COUNTER_NAMES, count), lost: count, lost_by_reason: byReason }),
  ),
  unwritten: z.object({ lines: count, bytes, by_type: z.object(each(UNWRITTEN_TYPES, count)) }),
  samples: z.object({ emitted: count, ...each(SAMPLE_LOSS_NAMES, count), threads_not_summed: count }),
  threads: z.object({ started: count, exited: count }),
  unexplained_forks: z.nullable(count),
  events_per_second: z.nullable(ratePct),
  history: z.array(rateEntry),
  processes: z.object({ live: count, lingering: count, lost_exits: count }),
  cost: z.object({
    cpu_pct: z.nullable(ratePct),
    in_kernel_cpu_pct: z.nullable(ratePct),
    user_cpu_s: z.number(),
    system_cpu_s: z.number(),
  }),
  memory: z.object({ rss_bytes: bytes, anon_bytes: bytes, file_bytes: bytes, table_bytes: bytes }),
  budget: z.nullable(
    z.object({ level: count, step: z.enum(BUDGET_STEPS), cost_pct: z.nullable(ratePct), budget_pct: ratePct }),
  ),
  api: z.object({
    clients: count,
    max_clients: count,
    sent: count,
    missed: count,
    history: z.object({ events: count, bytes }),
  }),
});

/** A figure is null if the events that it needs are not reported, or if they do not contain it. */
const commandFigures = {
  started: z.nullable(count),
  execs: z.nullable(count),
  ended: z.nullable(count),
  short_lived: z.nullable(count),
  failed: z.nullable(count),
  mean_lifetime_s: z.nullable(z.number().check(z.nonnegative())),
  cpu_ns: z.nullable(count),
  cpu_unknown: z.nullable(count),
  cpu_pct: z.nullable(ratePct),
  busy_share_pct: z.nullable(ratePct),
  peak_rss_bytes: z.nullable(bytes),
};

export const commands = z.object({
  window_s: z.number(),
  covered_s: z.number(),
  matched: count,
  all: z.object(commandFigures),
  commands: z.array(z.object({ comm: z.string(), ...commandFigures })),
});

export const group = z.object({
  kind: z.enum(["group", "kernel", "other"]),
  unit: z.nullable(z.string()),
  container: z.nullable(z.string()),
  comm: z.optional(z.string()),
  starts: count,
  execs: count,
  exits: z.object({ ok: z.nullable(count), error: z.nullable(count), signal: z.nullable(count), unknown: count }),
  cpu_user_s: z.number().check(z.nonnegative()),
  cpu_system_s: z.number().check(z.nonnegative()),
  processes: count,
  rss_bytes: bytes,
  read_bytes: z.nullable(bytes),
  written_bytes: z.nullable(bytes),
  mean_lifetime_s: z.nullable(z.number()),
});

export const groups = z.object({
  max_groups: count,
  groups: z.array(group),
  ended: z.object({ groups: count, cpu_s: z.number() }),
  machine: z.nullable(
    z.object({ busy_cpu_s: z.number(), irq_cpu_s: z.nullable(z.number()), unexplained_cpu_s: z.number() }),
  ),
});

export const index = z.object({
  name: z.literal("linnix"),
  version: z.string(),
  routes: z.array(z.object({ path: z.string(), summary: z.string() })),
});

/** Problem details of RFC 9457. The optional members exist only in some problems. */
export const problem = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  parameter: z.optional(z.string()),
  reasons: z.optional(z.array(z.string())),
  backend: z.optional(z.string()),
  missing_fields: z.optional(z.array(z.string())),
  levels: z.optional(z.array(z.enum(DETAIL_LEVELS))),
});

/** The data of `event: gap`. */
export const gap = z.object({ type: z.literal("gap"), reason: z.enum(GAP_REASONS), missed: z.nullable(count) });

export type RateEntry = z.infer<typeof rateEntry>;
export type Commands = z.infer<typeof commands>;
export type CommandFigures = Commands["all"];
export type Status = z.infer<typeof status>;
export type Group = z.infer<typeof group>;
export type Groups = z.infer<typeof groups>;
export type Gap = z.infer<typeof gap>;
