/** What a polling method needs, by the model, to see a share of the processes. An estimate, not a measurement. */
export interface FrontierPoint {
  method: string;
  wantedPct: number;
  /** Longest interval that sees this share, ms; null: no interval does. */
  intervalMs: number | null;
  /** CPU time of one look, µs, as measured. */
  usPerLook: number;
  /** Cost of looks at that interval, % of one core; null without an interval. */
  cpuPct: number | null;
  /** Whether a look is over before the next one is due. */
  isPossible: boolean;
}

/**
 * Share of processes, 0 … 1, that looks every `intervalMs` find. A process that lives for a time L is there at a look with
 * probability L / interval, or surely if it lives longer than that. The model takes looks for instantaneous, and their phase
 * for random.
 */
export function modelCapture(lifetimesMs: readonly number[], intervalMs: number): number {
  if (lifetimesMs.length === 0) return Number.NaN;
  return lifetimesMs.reduce((sum, life) => sum + Math.min(1, life / intervalMs), 0) / lifetimesMs.length;
}

/**
 * The longest interval at which the model sees a share of processes, ms; null if none does, since some lived no
 * time at all or there were none.
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

/** The estimate for one method: a look costs what was measured, at any interval. */
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
