import { describe, setDefaultTimeout, test } from "bun:test";
import { programPath, reasonOf, titled, whyNotHere } from "./support/needs.ts";
import { expectSoundScrapes } from "./support/scraped-restart.ts";

setDefaultTimeout(120_000);

const reason = reasonOf(whyNotHere(), programPath("prometheus") === null && "needs prometheus");

describe.skipIf(reason !== null)(titled("a real Prometheus", reason), () => {
  test("sees every counter fall only at a restart, over a reload too, and no error in a rule", async () => {
    await expectSoundScrapes({ intervalMs: 250, scrapes: 14, patienceMs: 60_000 });
  });
});
