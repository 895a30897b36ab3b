import { mean } from "./moments.ts";
import { type DifferenceEstimate, type DifferenceOptions, pairedDifference } from "./paired-difference.ts";
import { quantileOfSorted } from "./quantile.ts";

/**
 * Durations of the repetitions of one operation in one block. The low quantiles are the point: on a shared machine most
 * causes of a slow repetition (preemption, stolen time, cold caches, a wake-up of another processor) only add time. So the
 * lower end of a block shows what the operation itself costs, and the mean shows what else went on.
 */
export interface BlockSummary {
  /** Repetitions. */
  n: number;
  p10: number;
  p25: number;
  p50: number;
  mean: number;
}

/** Which figure of a block is compared. */
export type BlockMetric = "p10" | "p25" | "p50" | "mean";

/** Blocks in the order in which they ran, each with the arm that it belongs to. */
export interface Round<Arm extends string = string> {
  order: readonly Arm[];
  blocks: readonly BlockSummary[];
}

/** Reduces the durations of a block, in any unit and order; they are left as they are. */
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

/** Mean over the blocks that an arm had in a round; a mirrored order (ABBA) so cancels a steady drift. NaN: it had none. */
export function armOfRound<Arm extends string>(round: Round<Arm>, arm: Arm, metric: BlockMetric): number {
  return mean(round.blocks.filter((_, i) => round.order[i] === arm).map((block) => block[metric]));
}

/**
 * How much longer an operation takes in one arm than in the other: the difference of the blocks' low quantiles within
 * each round, the median of these over the rounds, a bootstrap interval over the rounds. Compared with a control
 * arm that is treated like the other (A/A), the same function gives the null interval.
 *
 * What it does not see: a cost that falls on fewer than 1 − p of the repetitions (a reader that is woken once in a
 * hundred events, on another processor). `metric: "mean"` with `centre: "mean"` does, at a far wider interval.
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
