/**
 * The fields of a daemon's answers that `top` reads. src/api/answers.ts has all fields. The others may be missing, so
 * that `top` can read daemons of other versions.
 */
import * as z from "zod/mini";
import { DETAIL_LEVELS } from "../wire/detail-level.ts";

z.config({ jitless: true });

const number = z.nullable(z.number());
const text = z.nullable(z.string());
const container = z.nullish(z.object({ id: z.string(), runtime: z.string() }));
const byType = z.object({ fork: z.number(), exec: z.number(), exit: z.number() });

export const status = z.object({
  backend: z.string(),
  detail: z.optional(z.enum(DETAIL_LEVELS)),
  missing_fields: z.array(z.string()),
  seen: byType,
  lost: z.number(),
  events_per_second: number,
  sampling: z.nullable(z.object({ interval_ms: z.number() })),
  cost: z.object({ cpu_pct: number, in_kernel_cpu_pct: number }),
  budget: z.nullable(z.object({ level: z.number(), budget_pct: z.number() })),
});

export const row = z.object({
  pid: z.number(),
  ppid: number,
  uid: z.number(),
  user: text,
  comm: z.string(),
  exe: text,
  args: z.nullable(z.array(z.string())),
  args_truncated: z.nullable(z.boolean()),
  start_ns: text,
  cgroup: text,
  container,
  unit: text,
  cpu_pct: number,
  rss_bytes: number,
  threads: number,
});

export const processes = z.object({ live: z.number(), processes: z.array(row) });

export const readiness = z.object({ reasons: z.optional(z.array(z.string())) });

/** The event of an ended process: `exit` at the level of detail `events`, `process` at `processes`. */
export const exit = z.object({
  type: z.enum(["exit", "process"]),
  comm: z.string(),
  duration_ns: number,
  cpu_user_ns: number,
  cpu_system_ns: number,
  peak_rss_bytes: number,
  cgroup: z.nullish(z.string()),
  container,
  unit: z.nullish(z.string()),
});

export type Status = z.infer<typeof status>;
export type Row = z.infer<typeof row>;
export type Exit = z.infer<typeof exit>;
