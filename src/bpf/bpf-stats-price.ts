import { median } from "../stats/quantile.ts";
import { EmptyProgram } from "./bpf-empty-program.ts";
import { enableRunTimeStats } from "./bpf-stats.ts";

/** What counting costs each run of a BPF program. */
export interface RunTimeStatsPrice {
  /** Added to each run while statistics are on, ns. */
  nsPerRun: number;
  /** The part of it that the statistics count as time in the program: `run_time_ns` per run of an empty program. */
  countedNsPerRun: number;
}

const RUNS = 20_000;
const ROUNDS = 9;

/**
 * Measures what the statistics cost on this machine: an empty program runs with them and without them in turn.
 * In-kernel time that was measured with statistics on is too high by `countedNsPerRun` per run. With statistics, each
 * run takes `nsPerRun` more time of the watched processes. Takes about 10 ms. Needs CAP_SYS_ADMIN. If another program
 * has statistics on, the measured `nsPerRun` is about 0.
 */
export function priceRunTimeStats(): RunTimeStatsPrice {
  using program = new EmptyProgram();
  const without: number[] = [];
  const with_: number[] = [];
  const counted: number[] = [];
  program.run(RUNS);
  for (let round = 0; round < ROUNDS; round++) {
    without.push(program.run(RUNS));
    using _stats = enableRunTimeStats();
    const before = program.info();
    with_.push(program.run(RUNS));
    const after = program.info();
    counted.push(Number(after.runTimeNs - before.runTimeNs) / Number(after.runCnt - before.runCnt));
  }
  return { nsPerRun: Math.max(median(with_) - median(without), 0), countedNsPerRun: median(counted) };
}
