import { mean } from "./moments.ts";
import { type DifferenceEstimate, type DifferenceOptions, pairedDifference } from "./paired-difference.ts";
import { quantileOfSorted } from "./quantile.ts";

/**
 * Durations of the repetitions of one operation in one block, in the unit of the durations. On a shared machine most
 * causes of a slow repetition (preemption, stolen time, cold caches, a wake-up of another CPU) only add time. So the
 * low quantiles show the cost of the operation itself, and the mean also includes other work on the machine.
 */
export interface BlockSummary {
  /** Repetitions. */
  n: number;
  p10: number;
  p25: number;
  p50: number;
  mean: number;
}

/** The figure of a block that is compared. */
export type BlockMetric = "p10" | "p25" | "p50" | "mean";

/** Blocks in the order in which they ran, each with the arm that it belongs to. */
export interface Round<Arm extends string = string> {
  order: readonly Arm[];
  blocks: readonly BlockSummary[];
}

/** Summarises the durations of a block, in any unit and order. Does not change `durations`. */
export function summariseBlock(durations: ArrayLike<number>): BlockSummary {
  const sorted = Float64Array.from(durations).sort();
  return {
    n: sorted.length,
    p10: quantileOfSorted(sorted, 0.1),
    p25: quantileOfSorted(sorted, 0.25),
    p50: quantileOfSorted(sorted, 0.5),
    mean: mean(sorted),
  };
}

/** Mean over an arm's blocks in a round; NaN without a block. In a mirrored order (ABBA) a steady drift cancels out. */
export function armOfRound<Arm extends string>(round: Round<Arm>, arm: Arm, metric: BlockMetric): number {
  return mean(round.blocks.filter((_, i) => round.order[i] === arm).map((block) => block[metric]));
}

/**
 * How much longer an operation takes in one arm than in the other. For each round it computes the difference of the
 * blocks' low quantiles. The result is the median of these differences, with a bootstrap interval over the rounds. For
 * two arms that are treated alike (A/A), the function returns the null interval.
 *
 * It misses a cost that affects fewer than 1 − p of the repetitions, such as a reader that wakes once in a hundred
 * events on another CPU. `metric: "mean"` with `centre: "mean"` includes such a cost, with a far wider interval.
 *
 * @param rounds each with at least one block of either arm
 */
export function lowQuantileDifference<Arm extends string>(
  rounds: readonly Round<Arm>[],
  treated: NoInfer<Arm>,
  control: NoInfer<Arm>,
  options: DifferenceOptions & { metric?: BlockMetric } = {},
): DifferenceEstimate {
  const metric = options.metric ?? "p25";
  return pairedDifference(
    rounds.map((round) => armOfRound(round, treated, metric)),
    rounds.map((round) => armOfRound(round, control, metric)),
    options,
  );
}
