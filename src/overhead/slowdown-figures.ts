import { type Slowdown, shareOf, slowdownByMetric, slowdownOf } from "../measure/slowdown.ts";
import type { RawRounds, RawRun } from "./raw.ts";
import type { OperationSlowdown, SlowdownFigures } from "./result.ts";

/** The operation that stands for a process: a spawn with exec, or a bare fork if no spawns were measured. */
const STANDS_FOR_A_PROCESS = ["spawn", "bare-fork"];

/**
 * How much longer processes take because they are watched.
 *
 * @param processUs mean CPU time of a process of the workload, µs: the slowdown in % is relative to it
 */
export function slowdownFiguresOf(raw: RawRun, processUs: number | null, seed: number): SlowdownFigures | null {
  const measured = raw.slowdown.filter(({ rounds }) => rounds.length > 0);
  const main = STANDS_FOR_A_PROCESS.map((name) => measured.find(({ operation }) => operation === name)).find(Boolean);
  if (main === undefined) return null;
  const slowdown = slowdownOf(main.operation, main.rounds, { seed });
  const share = processUs === null || processUs === 0 ? null : shareOf(slowdown, processUs);
  const nullUs = { us: slowdown.nullUs, usCi95: slowdown.nullUsCi95 };
  const ownPct = (name: string): number | null => {
    const rounds = measured.find(({ operation }) => operation === name)?.rounds;
    return rounds === undefined ? null : slowdownOf(name, rounds, { seed }).pct;
  };
  return {
    operation: slowdown.operation,
    us_per_process: slowdown.us,
    us_ci95: slowdown.usCi95,
    pct: share?.pct ?? null,
    ci95: share?.ci95 ?? null,
    null_ci95: processUs === null || processUs === 0 ? null : shareOf(nullUs, processUs).ci95,
    bare_fork_pct: ownPct("bare-fork"),
    spawn_pct: ownPct("spawn"),
    null_us_ci95: slowdown.nullUsCi95,
    smallest_detectable_us: slowdown.smallestDetectableUs,
    rounds: slowdown.rounds,
    metric: slowdown.metric,
    lost: raw.slowdown_counts?.lost ?? null,
    operations: measured.flatMap((rounds) => operationsOf(rounds, seed)),
  };
}

function operationsOf({ operation, rounds }: RawRounds, seed: number): OperationSlowdown[] {
  return slowdownByMetric(operation, rounds, seed).map(
    (each: Slowdown): OperationSlowdown => ({
      operation: each.operation,
      metric: each.metric,
      us: each.us,
      us_ci95: each.usCi95,
      null_us_ci95: each.nullUsCi95,
      smallest_detectable_us: each.smallestDetectableUs,
      operation_us: each.operationUs,
      pct: each.pct,
      ci95: each.ci95,
      rounds: each.rounds,
    }),
  );
}
