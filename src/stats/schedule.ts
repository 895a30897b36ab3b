import { Prng } from "./prng.ts";

export interface ScheduleOptions {
  seed: number;
  /** Each round runs forth and back (A B → A B B A), so that a steady drift of the machine cancels. Default true. */
  mirrored?: boolean;
}

/**
 * A randomised, balanced order of arms for a number of rounds: every round has each arm once (twice if mirrored), and
 * in every k rounds with k arms each arm is at each position once (a Latin square over a freshly shuffled order). With
 * two arms this is ABBA and BAAB, equally often, in random order. The same seed gives the same schedule.
 *
 * @param arms distinct names
 */
export function blockSchedule<Arm extends string>(
  arms: readonly Arm[],
  rounds: number,
  { seed, mirrored = true }: ScheduleOptions,
): Arm[][] {
  if (arms.length === 0) throw new RangeError("a schedule needs at least one arm");
  const random = new Prng(seed);
  const schedule: Arm[][] = [];
  while (schedule.length < rounds) {
    const base = random.shuffled(arms);
    const square = base.map((_, shift) => [...base.slice(shift), ...base.slice(0, shift)]);
    for (const order of random.shuffled(square)) {
      if (schedule.length < rounds) schedule.push(mirrored ? [...order, ...order.toReversed()] : order);
    }
  }
  return schedule;
}
