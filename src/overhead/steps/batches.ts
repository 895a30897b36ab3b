import { sleep } from "../sleep.ts";

/** Times of a batch, ns: of the whole work, and of the same work without the step that is measured. */
export interface Batch {
  with_ns: number;
  without_ns: number;
}

export interface BatchOptions {
  /** Does the work of a batch. @returns how long it took, ns */
  run(withStep: boolean): number;
  batches: number;
  /** Work that is not measured comes first: as long as this, at least one batch. */
  warmUpMs: number;
  signal: AbortSignal;
}

/** After this many batches the event loop gets a turn, so that an abort is seen. */
const PAUSE_EVERY = 8;

/** Runs both kinds in turn, so that a drift changes both alike. An abort ends it with the batches so far. */
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
