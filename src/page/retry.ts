const FIRST_MS = 2_000;
const MOST_MS = 30_000;

/**
 * How long to wait before the next attempt, ms: twice as long after each failure, up to 30 s, but at least as long as
 * the daemon requests.
 *
 * @param failures number of failed attempts before the last one
 */
export function delayMs(failures: number, retryAfterS: number): number {
  return Math.max(Math.min(FIRST_MS * 2 ** Math.min(failures, 10), MOST_MS), retryAfterS * 1000);
}
