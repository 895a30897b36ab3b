/** The interval at which a polling method sees a share of the processes, and its cost. It is an estimate by a model. */
export interface FrontierPoint {
  method: string;
  wantedPct: number;
  /** Longest interval that sees this share, ms; null: no interval does. */
  intervalMs: number | null;
  /** CPU time of one look, µs, as measured. */
  usPerLook: number;
  /** Cost of the looks at that interval, % of one core; null if there is no interval. */
  cpuPct: number | null;
  /** Whether a look is over before the next one is due. */
  isPossible: boolean;
}

/**
 * Share of processes, 0 … 1, that looks every `intervalMs` find; NaN without processes. A process that lives for a time
 * L is present at a look with probability L / interval, and surely if L is longer than the interval. The model assumes
 * that looks take no time and have a random phase.
 */
export function modelCapture(lifetimesMs: readonly number[], intervalMs: number): number {
  if (lifetimesMs.length === 0) return Number.NaN;
  return lifetimesMs.reduce((sum, life) => sum + Math.min(1, life / intervalMs), 0) / lifetimesMs.length;
}

/**
 * The longest interval at which the model sees a share of the processes, ms. Null if no interval does: there are no
 * processes, or too many have a lifetime of 0.
 *
 * @param share 0 … 1
 */
export function intervalFor(lifetimesMs: readonly number[], share: number): number | null {
  const longest = Math.max(...lifetimesMs, 0);
  const shortest = 1e-6;
  if (lifetimesMs.length === 0 || modelCapture(lifetimesMs, shortest) < share) return null;
  // The share falls as the interval grows, strictly so above the longest lifetime.
  let low = shortest;
  let high = Math.max(longest / Math.max(share, 1e-6), shortest);
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (modelCapture(lifetimesMs, middle) >= share) low = middle;
    else high = middle;
  }
  return low;
}

/** The estimate for one method. It assumes that a look has its measured cost at any interval. */
export function frontierPoint(
  method: string,
  usPerLook: number,
  lifetimesMs: readonly number[],
  wantedPct: number,
): FrontierPoint {
  const intervalMs = intervalFor(lifetimesMs, wantedPct / 100);
  return {
    method,
    wantedPct,
    intervalMs,
    usPerLook,
    cpuPct: intervalMs === null ? null : usPerLook / intervalMs / 10,
    isPossible: intervalMs !== null && usPerLook / 1000 < intervalMs,
  };
}
