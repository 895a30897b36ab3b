import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { ProcessEvent } from "./support/collect-output.ts";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import { type Identity, is, type Truths } from "./support/fixture.ts";
import type { LossyTable } from "./support/lossy-table.ts";
import { titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(120_000);

const fixture = useFixture(whyNotHere());

const CROWD = 3000;

for (const [backend, reason] of [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const) {
  describe.skipIf(reason !== null)(titled(`a ring that is too small, ${backend} backend`, reason), () => {
    test("every record is accounted for: emitted = received + lost, by type", async () => {
      const args = ["--format", "jsonl", "--ring-size", "4KiB", "--storm-rate", "0", "--backend", backend];
      await using collect = await CollectRun.start(args);
      const before = await fixture().run("crowd", [CROWD]);
      // While stopped, linnix reads nothing: a whole crowd starts and ends meanwhile.
      collect.child.kill("SIGSTOP");
      const meanwhile = await fixture().run("crowd", [CROWD]);
      collect.child.kill("SIGCONT");
      const after = await fixture().run("fork");
      const { events, others, summary } = await collect.stop();
      const losses = others.filter(({ type }) => type === "lost") as { type: string; count: number }[];
      expect(losses.reduce((sum, { count }) => sum + count, 0)).toBe(summary.lost);
      // stop() has checked that the counts balance and match the lines.
      expect(summary.lost).toBeGreaterThan(CROWD);
      expect(summary.emitted.fork).toBeGreaterThanOrEqual(2 * CROWD + 3);
      expect(summary.emitted.exit).toBeGreaterThanOrEqual(2 * CROWD + 3);
      // The events that were received are correct nevertheless.
      let seen = 0;
      for (const truths of [before, meanwhile, after]) {
        const reaped = new Map(truths.everyReaped().map((truth) => [truth.pid, truth]));
        for (const event of events) {
          const truth = reaped.get(event.pid);
          if (truth === undefined || event.start_ns === null || !is(event, truth)) continue;
          seen++;
          expect(event.ppid).toBe(truth.ppid);
          if (event.type === "exit") expect(event.exit_code).toBe(truth.status >> 8);
        }
      }
      if (backend === "btf") expect(seen).toBeGreaterThan(0);
    });
  });
}

const reason = whyNotHere();
describe.skipIf(reason !== null)(titled("lost exits", reason), () => {
  test("do not let the process table grow without bound", async () => {
    const script = join(import.meta.dir, "support/lossy-table.ts");
    const command = [script, fixture().program, String(CROWD), "8"];
    const child = Bun.spawn([process.execPath, ...command], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const table = JSON.parse(await new Response(child.stdout).text()) as LossyTable;
    expect(await child.exited).toBe(0);
    expect(table.balanced).toBe(true);
    expect(table.emitted).toBe(table.received + table.lost);
    // The bound is twice the processes that may live at once, the growth between two checks, and one more crowd …
    const bound = 2 * (CROWD + table.running) + 4096 + CROWD;
    expect(table.peakLive).toBeLessThan(bound);
    // … but more exits than that were lost.
    expect(table.lost).toBeGreaterThan(bound);
    expect(table.lostExits).toBeGreaterThan(CROWD);
  });
});

const noBtf = whyNoBtf();
describe.skipIf(noBtf !== null)(titled("two collectors at once", noBtf), () => {
  /** An event without the fields that each collector measures itself. */
  function shared(event: ProcessEvent): object {
    // Each BPF program takes its own timestamps, and some fields depend on them.
    const { time, ts_ns, ...rest } = event;
    if (rest.type === "exit") {
      const { duration_ns, cpu_user_ns, cpu_system_ns, ...exit } = rest;
      return exit;
    }
    return rest;
  }

  test("report the same events, and the end of one does not disturb the other", async () => {
    await using one = await CollectRun.start();
    await using other = await CollectRun.start([...USUAL, "--max-args", "2KiB"]);
    await using third = await CollectRun.start([...USUAL, "--backend", "tracepoint"]);
    const own = new Map<number, Identity>();
    const keep = (truths: Truths) => {
      for (const identity of [truths.main, ...truths.everyReaped()]) own.set(identity.pid, identity);
    };
    keep(await fixture().run("crowd", [300]));
    keep(await fixture().run("vfork", [fixture().leaf]));
    keep(await fixture().run("thread-exec", [fixture().leaf]));
    keep(await fixture().run("chain", [20]));
    // The first one ends in the middle; the others go on.
    const first = await one.stop();
    await fixture().run("crowd", [50]);
    third.child.kill("SIGKILL");
    await third.child.exited;
    const last = await fixture().run("fork");
    const second = await other.stop();
    // The comparison is by process: each collector orders simultaneous events of two CPUs in its own way.
    const ours = (events: readonly ProcessEvent[]) =>
      [...own.values()].flatMap((identity) => events.filter((event) => is(event, identity)).map(shared));
    expect(ours(first.events).length).toBeGreaterThan(2 * 300);
    expect(ours(second.events)).toEqual(ours(first.events));
    for (const truth of last.everyReaped()) {
      expect(second.events.filter((event) => is(event, truth)).map(({ type }) => type)).toEqual(["fork", "exit"]);
    }
    expect([first.summary.lost, second.summary.lost]).toEqual([0, 0]);
  });
});
