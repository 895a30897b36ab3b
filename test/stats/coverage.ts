import type { Interval } from "../../src/stats/interval.ts";
import { Prng } from "../../src/stats/prng.ts";

export const RUNS = 1000;

/**
 * Permitted share of 1,000 runs whose 95 % interval contains the true value: 3.3 binomial standard deviations to
 * either side, which one in a thousand good estimators would miss. Seeds are fixed, so no test fails by chance.
 */
const REACH = 3.3 * Math.sqrt((0.95 * 0.05) / RUNS);
export const EXPECTED_COVERAGE: Interval = [0.95 - REACH, 0.95 + REACH];

/** Share of simulated runs whose interval contains the true value. */
export function coverage(seed: number, truth: number, run: (random: Prng, runSeed: number) => Interval): number {
  const random = new Prng(seed);
  let held = 0;
  for (let i = 0; i < RUNS; i++) {
    const [lo, hi] = run(random, i);
    if (lo <= truth && truth <= hi) held++;
  }
  return held / RUNS;
}
