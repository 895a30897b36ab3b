import { expect, test } from "bun:test";
import { runBatches } from "../../../src/overhead/steps/batches.ts";

const NEVER = new AbortController().signal;

test("both kinds run in turn, each first in every other batch, after a warm-up that does not count", async () => {
  const runs: boolean[] = [];
  const run = (withStep: boolean): number => runs.push(withStep) * 100 + (withStep ? 1 : 0);
  const batches = await runBatches({ run, batches: 3, warmUpMs: 0, signal: NEVER });
  expect(runs).toEqual([false, true, true, false, false, true, true, false]);
  expect(batches).toEqual([
    { with_ns: 301, without_ns: 400 },
    { without_ns: 500, with_ns: 601 },
    { with_ns: 701, without_ns: 800 },
  ]);
});

test("an abort ends it with the batches so far", async () => {
  const abort = new AbortController();
  let runs = 0;
  const run = (): number => {
    if (++runs === 8) abort.abort();
    return 1;
  };
  // The warm-up is the first two runs.
  expect(await runBatches({ run, batches: 100, warmUpMs: 0, signal: abort.signal })).toHaveLength(3);
});
