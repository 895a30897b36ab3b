/** Two minutes with a real Prometheus, at a usual scrape interval. `npm run test:places` */
import { describe, setDefaultTimeout, test } from "bun:test";
import { programPath, reasonOf, titled, whyNotHere } from "../kernel/support/needs.ts";
import { expectSoundScrapes } from "../kernel/support/scraped-restart.ts";

setDefaultTimeout(400_000);

const reason = reasonOf(whyNotHere(), programPath("prometheus") === null && "needs prometheus");

describe.skipIf(reason !== null)(titled("a real Prometheus, for two minutes", reason), () => {
  test("sees counters fall only at a restart, not at a reload, and evaluates the rules without an error", async () => {
    await expectSoundScrapes({ intervalMs: 2000, scrapes: 20, patienceMs: 120_000 });
  });
});
