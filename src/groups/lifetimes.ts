import type { Group } from "../totals/group.ts";
import { FIRST_LIFETIME_BUCKET, LIFETIME_BUCKETS } from "../wire/layout.gen.ts";

/**
 * Upper bounds of the buckets as powers of two of ns, from a millisecond to more than an hour; one more bucket has all
 * longer lifetimes.
 */
const BOUNDS = [20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 42] as const;

/** Upper bounds in seconds, the last one infinite. */
export const LIFETIME_BOUNDS_S: readonly number[] = [
  ...BOUNDS.map((power) => 2 ** power / 1e9),
  Number.POSITIVE_INFINITY,
];

/** How long processes lived: a histogram of fewer buckets than the kernel side's. */
export class Lifetimes {
  readonly #counts = new Float64Array(LIFETIME_BOUNDS_S.length);
  #sumNs = 0;

  add(group: Group): void {
    if (group.figure("lifetime_ns") === 0) return;
    for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) {
      const count = group.lifetimes(bucket);
      if (count === 0) continue;
      const power = bucket + FIRST_LIFETIME_BUCKET + 1;
      const place = BOUNDS.findIndex((bound) => power <= bound);
      const at = place < 0 ? BOUNDS.length : place;
      this.#counts[at] = (this.#counts[at] as number) + count;
    }
    this.#sumNs += group.figure("lifetime_ns");
  }

  get sumS(): number {
    return this.#sumNs / 1e9;
  }

  /** Number of processes that lived at most as long as each bound. */
  cumulative(): number[] {
    let sum = 0;
    return Array.from(this.#counts, (count) => {
      sum += count;
      return sum;
    });
  }
}
