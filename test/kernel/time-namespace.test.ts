import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { ExecEvent, ExitEvent } from "./support/collect-output.ts";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import { is } from "./support/fixture.ts";
import { BINARY, reasonOf, succeeds, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(120_000);

const uptimeS = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
/** A clock cannot be set below zero. */
const EARLIER = -Math.floor(Math.min(600, uptimeS / 2));

const PLACES = [
  { title: "later clocks", before: ["unshare", "-T", "--boottime", "100000", "--fork"] },
  { title: "earlier clocks", before: ["unshare", "-T", "--boottime", String(EARLIER), "--fork"] },
  { title: "another monotonic clock", before: ["unshare", "-T", "--monotonic", "5000", "--fork"] },
  { title: "both other", before: ["unshare", "-T", "--monotonic", "-1", "--boottime", "3", "--fork"] },
  { title: "without a fork", before: ["unshare", "-T", "--boottime", String(EARLIER)] },
] as const;

/** `unshare --fork` waits for linnix, so the test sends its signals to the child. */
const KILLED_WITH_PARENT = "--kill-child=SIGTERM";

const noUnshare = succeeds("unshare", "-T", "--boottime", "1", KILLED_WITH_PARENT, "--fork", "true")
  ? null
  : "needs unshare with time namespaces";

const fixture = useFixture(reasonOf(whyNotHere(), noUnshare));

for (const [backend, notHere] of [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const) {
  const reason = reasonOf(notHere, noUnshare);
  describe.skipIf(reason !== null)(titled(`a collector in a time namespace, ${backend} backend`, reason), () => {
    for (const { title, before } of PLACES) {
      test(`${title}: reports events and right times, and knows earlier processes`, async () => {
        await using earlier = await fixture().commands();
        const main = await earlier.main();
        const wrapped = [...before.slice(0, 1), KILLED_WITH_PARENT, ...before.slice(1)];
        await using collect = await CollectRun.start([...USUAL, "--backend", backend], { before: wrapped });
        const beganMs = Date.now();
        const truths = await fixture().run("exec-path", [fixture().leaf, "leaf", "x"]);
        const executed = truths.reaped("executed");
        const exec = (await collect.event(
          "an exec",
          (event) => event.type === "exec" && is(event, executed),
        )) as ExecEvent;
        const atMs = Date.parse(exec.time);
        expect(atMs).toBeGreaterThan(beganMs - 2000);
        expect(atMs).toBeLessThan(Date.now() + 2000);
        await earlier.end();
        const exit = (await collect.event("an exit", (event) => event.type === "exit" && is(event, main))) as ExitEvent;
        expect(exit).toMatchObject({ exe: fixture().program, args: [fixture().program, "commands"] });
        if (backend === "btf") expect(Number(exit.duration_ns)).toBeGreaterThan(0);
        expect(collect.stderr).not.toContain("time namespace");
      });
    }
  });
}

const notHere = reasonOf(whyNoBtf(), noUnshare);
describe.skipIf(notHere !== null)(titled("overhead-test in a time namespace", notHere), () => {
  test("captures the processes of its workload", async () => {
    const args = ["--quick", "--baseline", "1200ms", "--duration", "600ms", "--interval", "100ms", "--rate", "40"];
    const command = ["unshare", "-T", "--boottime", String(EARLIER), "--fork", BINARY, "overhead-test", ...args];
    const child = Bun.spawn([...command, "--json", "-"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const report = JSON.parse(await new Response(child.stdout).text());
    await child.exited;
    expect(report.events.spawned).toBeGreaterThan(0);
    // If this fails, it shows all counts of faults and losses.
    expect(report.events).toMatchObject({ captured: report.events.spawned });
  });
});
