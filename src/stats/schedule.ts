import { Prng } from "./prng.ts";

export interface ScheduleOptions {
  seed: number;
  /** Each round runs its order forwards and then backwards (A B B A), so that a steady drift cancels. Default true. */
  mirrored?: boolean;
}

/**
 * A randomised, balanced order of arms for a number of rounds. Every round has each arm once (twice if mirrored). With
 * k arms, each group of k rounds has each arm once at each position: a Latin square over a newly shuffled order. Two
 * mirrored arms give ABBA and BAAB, equally often, in random order. The same seed gives the same schedule.
 *
 * @param arms distinct names
 * @returns the order of the arms in each round
 * @throws RangeError if there is no arm
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
