import { sleep } from "../sleep.ts";

/** Times of a batch, ns: of the whole work, and of the same work without the step that is measured. */
export interface Batch {
  with_ns: number;
  without_ns: number;
}

export interface BatchOptions {
  /** Does the work of a batch, with or without the measured step. @returns its duration, ns */
  run(withStep: boolean): number;
  batches: number;
  /** Unmeasured batches run first, for at least this time; at least one batch of each kind. */
  warmUpMs: number;
  signal: AbortSignal;
}

/** After this many pairs of batches the event loop gets a turn, so that an abort is noticed. */
const PAUSE_EVERY = 8;

/**
 * Runs batches with and without the step in turn, so that a drift affects both kinds alike. After an abort it returns
 * the batches so far.
 */
export async function runBatches({ run, batches, warmUpMs, signal }: BatchOptions): Promise<Batch[]> {
  const warmFromMs = performance.now();
  let turns = 0;
  const pause = async (): Promise<void> => {
    if (++turns % PAUSE_EVERY === 0) await sleep(1, signal);
  };
  do {
    run(false);
    run(true);
    await pause();
  } while (!signal.aborted && performance.now() - warmFromMs < warmUpMs);
  const done: Batch[] = [];
  while (done.length < batches && !signal.aborted) {
    const isWithFirst = done.length % 2 === 0;
    const first = run(isWithFirst);
    const second = run(!isWithFirst);
    done.push(isWithFirst ? { with_ns: first, without_ns: second } : { with_ns: second, without_ns: first });
    await pause();
  }
  return done;
}
