/** Types of the events that a client can follow, in the order of their codes in the history. */
export const EVENT_TYPES = [
  "fork",
  "exec",
  "exit",
  "page_fault",
  "sample",
  "totals",
  "storm",
  "lost",
  "degraded",
  "summary",
] as const;

/** Code of a type; -1 where there is none such. */
export function typeCode(type: string): number {
  return (EVENT_TYPES as readonly string[]).indexOf(type);
}

/** Events that concern a whole stream and no single process: no filter by process holds them back. */
export function isAboutStream(code: number): boolean {
  return code >= STORM;
}

const STORM = typeCode("storm");
