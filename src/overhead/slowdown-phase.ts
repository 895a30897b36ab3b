import { bareFork, type Operation, runSlowdownRounds, spawnWithExec } from "../measure/slowdown.ts";
import { findProgram } from "../workload/programs.ts";
import type { RawCounts, RawRounds } from "./raw.ts";
import type { SubjectSwitch } from "./subject.ts";

/** How the rounds of an operation run. */
interface Rounds {
  operation: Operation;
  /** Share of the time of the phase, 0 to 1. */
  share: number;
  rounds: number;
  repetitions: number;
}

const WARMUP = 5;
/** Most rounds of an A/A comparison. */
const NOISE_ROUNDS = 60;

/** Many short rounds if switching costs almost nothing. The times of execs vary more, so they get more rounds. */
function cheapRounds(): Rounds[] {
  const spawn = spawnOperation();
  return [
    { operation: bareFork(), share: spawn === null ? 1 : 0.4, rounds: 600, repetitions: 100 },
    ...(spawn === null ? [] : [{ operation: spawn, share: 0.6, rounds: 400, repetitions: 20 }]),
  ];
}

/** Few long rounds if each switch starts or stops an agent. */
function costlyRounds(): Rounds[] {
  return [{ operation: spawnOperation() ?? bareFork(), share: 1, rounds: 24, repetitions: 100 }];
}

/** Fork, exec, exit and wait of `true`; null if it is not installed. */
function spawnOperation(): Operation | null {
  const path = findProgram("true");
  return path === null ? null : spawnWithExec(path);
}

export interface SlowdownPhaseOptions {
  toggle: SubjectSwitch;
  budgetMs: number;
  seed: number;
  signal: AbortSignal;
  onRound?(): void;
}

/** Runs the rounds of each operation with the subject on and off in turn; see `runSlowdownRounds`. */
export async function runSlowdownPhase(options: SlowdownPhaseOptions): Promise<RawRounds[]> {
  const { toggle, budgetMs, seed, signal, onRound } = options;
  const all: RawRounds[] = [];
  for (const each of toggle.isCheap ? cheapRounds() : costlyRounds()) {
    if (signal.aborted) break;
    const rounds = await runSlowdownRounds({
      ...each,
      arm: (on) => toggle.arm(on),
      warmup: WARMUP,
      seed,
      budgetMs: budgetMs * each.share,
      signal,
      onRound: () => onRound?.(),
    });
    all.push({ operation: each.operation.name, seed, repetitions: each.repetitions, warmup: WARMUP, rounds });
  }
  return all;
}

/** Rounds of the bare fork in which nothing is switched: they show how far noise alone moves two arms apart. */
export async function runNoiseRounds(budgetMs: number, seed: number, signal: AbortSignal): Promise<RawRounds> {
  const operation = bareFork();
  const repetitions = 100;
  const rounds = await runSlowdownRounds({
    operation,
    arm() {},
    rounds: NOISE_ROUNDS,
    repetitions,
    warmup: WARMUP,
    seed,
    budgetMs,
    signal,
  });
  return { operation: operation.name, seed, repetitions, warmup: WARMUP, rounds };
}

/**
 * Checks by the collector's counts whether its probes were attached in the `on` arm only. It must have counted every
 * process of the `on` arm. Its count includes forks of the whole machine, so it may be larger, by at most half of the
 * processes of the other arms.
 *
 * @returns what is wrong; null if nothing is
 */
export function switchingProblem(all: readonly RawRounds[], counts: RawCounts): string | null {
  let on = 0;
  let off = 0;
  for (const { rounds, repetitions, warmup } of all) {
    for (const { order } of rounds) {
      const armed = order.filter((arm) => arm === "on").length;
      on += armed * (repetitions + warmup);
      off += (order.length - armed) * (repetitions + warmup);
    }
  }
  const fork = counts.emitted.fork + counts.folded.fork;
  if (fork < on) return `the probes saw ${fork} of ${on} processes in the rounds in which they were attached`;
  if (fork > on + off / 2) return `the probes saw ${fork} processes, though they were attached for ${on} only`;
  return null;
}
