import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Collector } from "../../src/collect/collector.ts";
import { collectorOptions } from "../collect/collector-options.ts";
import { until } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNotHere();
/** Records after which a drain asks whether to go on: RELEASE_EVERY of src/ring/ring-set.ts. */
const ASKED_EVERY = 256;

describe.skipIf(reason !== null)(titled("while no reader takes events", reason), () => {
  test("events stay in the rings, all other work goes on, and nothing is lost", async () => {
    let isReady = true;
    let given = 0;
    let idles = 0;
    using collector = new Collector(
      // The watermark is high, so that nothing wakes this thread early.
      collectorOptions({ ringBytes: 4 * 1024 * 1024, watermarkBytes: 2 * 1024 * 1024 }),
      {
        event: () => {
          given++;
          isReady = given < 10;
        },
        ready: () => isReady,
        idle: () => void idles++,
      },
    );
    collector.start();
    await until("its first turn", () => idles > 0);
    given = 0;
    isReady = true;
    // This thread reads no ring meanwhile.
    for (let i = 0; i < 300; i++) Bun.spawnSync(["/bin/true"]);
    await until("the output to be full", () => !isReady);
    const givenThen = given;
    const idlesThen = idles;
    expect(givenThen).toBeLessThanOrEqual(ASKED_EVERY);
    await until("more turns", () => idles > idlesThen + 5);
    expect(given).toBe(givenThen);
    given = Number.NEGATIVE_INFINITY;
    isReady = true;
    await until("all the rest", () => collector.received.exit >= 300);
    await collector.stop();
    expect([collector.isBalanced(), collector.lostByCpu, collector.outOfOrder]).toEqual([true, [], 0]);
  });
});
