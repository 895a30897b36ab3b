/**
 * Why events are missing from a stream: the client was slow, came back too late, was last here in another run, or
 * redaction was switched on, which drops what was recorded without it.
 */
export const GAP_REASONS = ["slow-client", "history", "other-run", "redaction"] as const;

export type GapReason = (typeof GAP_REASONS)[number];
