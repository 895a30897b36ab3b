/** What linnix reports about processes: each event, one line per process, or totals by group. */
export const DETAIL_LEVELS = ["events", "processes", "summary"] as const;

export type DetailLevel = (typeof DETAIL_LEVELS)[number];
