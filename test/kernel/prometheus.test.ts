import { describe, setDefaultTimeout, test } from "bun:test";
import { programPath, reasonOf, titled, whyNotHere } from "./support/needs.ts";
import { expectSoundScrapes } from "./support/scraped-restart.ts";

setDefaultTimeout(120_000);

const reason = reasonOf(whyNotHere(), programPath("prometheus") === null && "needs prometheus");

describe.skipIf(reason !== null)(titled("a real Prometheus", reason), () => {
  test("sees counters fall only at a restart, not at a reload, and evaluates the rules without an error", async () => {
    await expectSoundScrapes({ intervalMs: 250, scrapes: 14, patienceMs: 60_000 });
  });
});
