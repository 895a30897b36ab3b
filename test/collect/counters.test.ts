import { expect, test } from "bun:test";
import { RunCounters } from "../../src/collect/counters.ts";
import type { KernelFeed } from "../../src/collect/kernel-feed.ts";
import type { KernelCounts } from "../../src/probes/counters.ts";
import { noSamples } from "../../src/wire/counters.ts";
import { EVENT_EXEC, EVENT_EXIT, EVENT_FORK } from "../../src/wire/layout.gen.ts";

/** A kernel side that has seen 10 forks, 20 execs and 30 exits, and lost one of each. */
function setUp() {
  const each = (fork: number, exec: number, exit: number) => ({ fork, exec, exit });
  const kernel: KernelCounts = {
    seen: each(10, 20, 30),
    filtered: each(1, 2, 3),
    suppressed: each(2, 3, 4),
    folded: each(3, 4, 5),
    emitted: each(4, 11, 18),
    retried: each(0, 0, 0),
    lost_by_type: each(1, 1, 1),
    lost_by_reason: { ring_full: 2, no_ring: 1 },
    threads: { started: 7, exited: 6 },
  };
  const feed = {
    backend: { counts: () => kernel, skipped: () => each(0, 0, 0) },
    losses: { byCpu: () => [{ cpu: 0, lost: 3 }] },
  } as unknown as KernelFeed;
  const samples = noSamples();
  const looked = { samples: 0, totals: 0 };
  const sampling = {
    counts: samples,
    get looked() {
      return looked.samples;
    },
  };
  const totals = {
    get work() {
      return looked.totals;
    },
  };
  const counters = new RunCounters(feed, sampling, totals, { unexplained: 9 });
  for (let i = 0; i < 3; i++) counters.count(EVENT_FORK);
  for (let i = 0; i < 10; i++) counters.count(EVENT_EXEC);
  for (let i = 0; i < 17; i++) counters.count(EVENT_EXIT);
  return { kernel, counters, samples, looked };
}

test("all counts are in one record, by their names in the JSON", () => {
  const { kernel, counters, samples } = setUp();
  samples.emitted = 5;
  const { retried: _, ...counted } = kernel;
  expect(counters.read()).toMatchObject({
    ...counted,
    received: { fork: 3, exec: 10, exit: 17 },
    lost: 3,
    lost_by_cpu: [{ cpu: 0, lost: 3 }],
    page_faults: null,
    samples: { emitted: 5 },
    unexplained_forks: 9,
  });
});

test("records, checked samples and the input of totals count as work", () => {
  const { counters, looked } = setUp();
  expect(counters.work).toBe(30);
  looked.samples = 5;
  looked.totals = 7;
  expect(counters.work).toBe(42);
});

test("counts balance once every seen event is accounted for", () => {
  const { kernel, counters } = setUp();
  expect(counters.isEven()).toBe(true);
  // A program on another CPU has counted its event, but not yet the result.
  kernel.seen.exit++;
  expect(counters.isEven()).toBe(false);
  kernel.folded.exit++;
  expect(counters.isEven()).toBe(true);
  // One more event is still in its ring.
  kernel.seen.fork++;
  kernel.emitted.fork++;
  expect(counters.isEven()).toBe(false);
  counters.count(EVENT_FORK);
  expect(counters.isEven()).toBe(true);
});
