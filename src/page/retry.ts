const FIRST_MS = 2_000;
const MOST_MS = 30_000;

/**
 * How long to wait before the next attempt: twice as long each time, and never shorter than the daemon asks.
 *
 * @param failures attempts before this one that failed
 */
export function delayMs(failures: number, retryAfterS: number): number {
  return Math.max(Math.min(FIRST_MS * 2 ** Math.min(failures, 10), MOST_MS), retryAfterS * 1000);
}
