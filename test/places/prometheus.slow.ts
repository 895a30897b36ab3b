/** Two minutes under a real Prometheus, with an interval that one might set. `npm run test:places` */
import { describe, setDefaultTimeout, test } from "bun:test";
import { programPath, reasonOf, titled, whyNotHere } from "../kernel/support/needs.ts";
import { expectSoundScrapes } from "../kernel/support/scraped-restart.ts";

setDefaultTimeout(400_000);

const reason = reasonOf(whyNotHere(), programPath("prometheus") === null && "needs prometheus");

describe.skipIf(reason !== null)(titled("a real Prometheus, for two minutes", reason), () => {
  test("sees every counter fall only at a restart, over a reload too, and no error in a rule", async () => {
    await expectSoundScrapes({ intervalMs: 2000, scrapes: 20, patienceMs: 120_000 });
  });
});
