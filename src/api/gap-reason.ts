/** Why events are missing from a stream: the client was slow, came back too late, or was last here in another run. */
export const GAP_REASONS = ["slow-client", "history", "other-run"] as const;

export type GapReason = (typeof GAP_REASONS)[number];
