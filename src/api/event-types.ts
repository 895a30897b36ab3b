import type { DetailLevel } from "../wire/detail-level.ts";

/** Types of the events that a client can follow, in the order of their codes in the history. */
export const EVENT_TYPES = [
  "fork",
  "exec",
  "exit",
  "process",
  "page_fault",
  "sample",
  "totals",
  "storm",
  "lost",
  "degraded",
  "summary",
] as const;

/** Types that only some levels of detail send. Every level sends all other types. */
const LEVELS_OF: { readonly [type: string]: readonly DetailLevel[] } = {
  fork: ["events"],
  exec: ["events"],
  exit: ["events"],
  process: ["processes"],
  sample: ["events", "processes"],
  totals: ["summary"],
};

/** Whether at least one of these levels sends events of that type. */
export function isSentAt(levels: ReadonlySet<DetailLevel>, type: string): boolean {
  return LEVELS_OF[type]?.some((level) => levels.has(level)) ?? true;
}

/** Code of a type; -1 if there is no such type. */
export function typeCode(type: string): number {
  return (EVENT_TYPES as readonly string[]).indexOf(type);
}

/**
 * Whether events of that type concern the whole stream and no single process. Filters by process do not apply to them.
 */
export function isAboutStream(code: number): boolean {
  return code >= STORM;
}

const STORM = typeCode("storm");
