import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector } from "../../src/collect/collector.ts";
import { KernelMeter } from "../../src/collect/kernel-meter.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import type { DegradedEvent } from "../../src/wire/event.ts";
import { collectorOptions } from "../collect/collector-options.ts";
import { CollectRun, USUAL, until } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(120_000);

const reason = whyNotHere();

/** Whether this process has the kernel's statistics of BPF programs switched on. */
function hasStatisticsOn(): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:bpf-stats";
    } catch {
      return false;
    }
  });
}

function spawnSome(): void {
  for (let i = 0; i < 60; i++) Bun.spawnSync(["/bin/true"]);
}

describe.skipIf(reason !== null)(titled("the CPU time of BPF programs", reason), () => {
  test("is measured for a limited time, only after events, and the statistics are off afterwards", async () => {
    using collector = new Collector(collectorOptions(), { event: () => {}, idle: () => {} });
    collector.start();
    let events = 0;
    using meter = new KernelMeter(() => {
      const { seen } = collector.counts();
      events = seen.fork + seen.exec + seen.exit;
      return events;
    }, boottimeNs());
    const later = boottimeNs() + 60e9;
    spawnSome();
    meter.tick(boottimeNs());
    expect(hasStatisticsOn()).toBe(false); // It is too soon.
    meter.tick(later);
    expect(hasStatisticsOn()).toBe(true);
    expect(meter.ns()).toBeNull();
    spawnSome();
    await until("the end of the measurement", () => !hasStatisticsOn());
    const { nsPerEvent } = meter;
    expect(nsPerEvent).toBeGreaterThan(10);
    expect(nsPerEvent).toBeLessThan(1e6);
    const ns = meter.ns();
    expect(events).toBeGreaterThanOrEqual(360);
    expect(ns).toBeGreaterThan(0);
    // Almost no events happened since then.
    meter.tick(later + 1e9);
    expect(hasStatisticsOn()).toBe(false);
    await collector.stop();
  });

  test("is null while a measurement is incomplete, and closing the meter switches the statistics off", () => {
    let count = 0;
    const meter = new KernelMeter(() => count, 0);
    count = 1000;
    meter.tick(120e9);
    expect(hasStatisticsOn()).toBe(true);
    meter.close();
    expect(hasStatisticsOn()).toBe(false);
    expect(meter.ns()).toBeNull();
    meter.tick(240e9);
    expect(hasStatisticsOn()).toBe(false);
  });
});

describe.skipIf(reason !== null)(titled("the CPU time of answers", reason), () => {
  test("is not part of the cost of collecting, however high it is", async () => {
    await using collect = await CollectRun.start(["--listen", "127.0.0.1:0", "--api-cpu-budget", "0"]);
    const url = await until("its address", () => /answering at (\S+)/.exec(collect.stderr)?.[1]);
    const cpu = async () => {
      const text = await (await fetch(new URL("/metrics", url))).text();
      const of = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
      return { all: of("process_cpu_seconds_total"), answers: of("linnix_api_cpu_seconds_total") };
    };
    const before = await cpu();
    let after = before;
    // Until answers have used so much CPU time that all other work is small in comparison.
    while (after.answers - before.answers < 0.5) {
      for (let i = 0; i < 100; i++) await (await fetch(new URL("/graph/1", url))).arrayBuffer();
      after = await cpu();
    }
    const rest = after.all - before.all - (after.answers - before.answers);
    expect(rest).toBeGreaterThanOrEqual(0);
    expect(rest).toBeLessThan((after.all - before.all) / 4);
    await collect.stop();
  });
});

describe.skipIf(reason !== null)(titled("a client that asks without end", reason), () => {
  test("is refused once answering has used its budget; probes are answered, and no event is lost", async () => {
    await using collect = await CollectRun.start([...USUAL, "--listen", "127.0.0.1:0", "--api-cpu-budget", "1"]);
    const url = await until("its address", () => /answering at (\S+)/.exec(collect.stderr)?.[1]);
    const ask = (path: string) => fetch(new URL(path, url), { keepalive: false });
    let refused: Response | undefined;
    for (let i = 0; refused === undefined; i++) {
      const response = await ask(`/processes?user=${100_000 + i}`);
      if (response.status === 429) refused = response;
      else expect(response.status).toBe(200);
      await response.arrayBuffer();
    }
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    for (const path of ["/healthz", "/readyz"]) expect((await ask(path)).status).toBe(200);
    const { pid } = Bun.spawnSync(["/bin/true"]);
    await collect.event("an exit", (event) => event.type === "exit" && event.pid === pid);
    await collect.stop();
  });
});

describe.skipIf(reason !== null)(titled("a budget that is too small", reason), () => {
  const directory = mkdtempSync(join(tmpdir(), "linnix-budget-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "linnix.toml");
  const socket = join(directory, "api.sock");
  const write = (budget: string, more = "") =>
    writeFileSync(
      path,
      `[output]\nformat = 'jsonl'\n[ring]\nsize = '4MiB'\nflush_interval = '50ms'\n[sampling]\ninterval = '50ms'\n` +
        `[probes]\nsummary_interval = '1s'\n[budget]\ncpu = '${budget}'\n${more}[api]\nlisten = 'unix:${socket}'\n`,
      { mode: 0o600 },
    );
  const sampleMs = async () => {
    const response = await fetch("http://localhost/status", { unix: socket });
    return ((await response.json()) as { sampling: { interval_ms: number } }).sampling.interval_ms;
  };
  const readyz = async () => {
    const response = await fetch("http://localhost/readyz", { unix: socket });
    return { status: response.status, body: (await response.json()) as { reasons?: string[] } };
  };

  const OVER = "the budget is exceeded: samples are taken less often";

  test("is reported in the stream, the log and /readyz; samples become rarer until the budget is lifted", async () => {
    // The storm limit is off: other work of the machine would make it the first step.
    const noStorms = "storm_rate = 0\n";
    write("0.001%", noStorms);
    await using collect = await CollectRun.start(["--config", path]);
    const degraded = () => collect.others.filter(({ type }) => type === "degraded") as DegradedEvent[];
    const told = async (count: number) => {
      // A window takes ten seconds, and three of them decide.
      for (let tries = 0; tries < 900 && degraded().length < count; tries++) await Bun.sleep(100);
      return degraded()[count - 1];
    };
    const over = await told(1);
    expect(over).toMatchObject({ step: "fewer_samples", level: 1, budget_pct: 0.001 });
    expect(over?.cost_pct).toBeGreaterThan(0.001);
    expect(collect.stderr).toContain("warning: collecting costs");
    const { status, body } = await readyz();
    expect([status, body.reasons]).toEqual([200, expect.arrayContaining([OVER])]);
    expect(await sampleMs()).toBe(250);
    // Events of processes are reported at this level too.
    const { pid } = Bun.spawnSync(["/bin/true"]);
    await collect.event("an exit", (event) => event.type === "exit" && event.pid === pid);
    write("0", noStorms);
    collect.child.kill("SIGHUP");
    expect(await told(2)).toMatchObject({ level: 0, budget_pct: 0 });
    expect(await sampleMs()).toBe(50);
    expect((await readyz()).body.reasons).not.toContain(OVER);
    await collect.stop();
  });

  test("lowers the detail down to budget.floor, and restores it when the budget is lifted", async () => {
    write("0.001%", "floor = 'summary'\n");
    await using collect = await CollectRun.start(["--config", path]);
    const degraded = () => collect.others.filter(({ type }) => type === "degraded") as DegradedEvent[];
    let isOver = false;
    const spawning = (async () => {
      for (; !isOver; await Bun.sleep(2)) await Bun.spawn(["/bin/true"]).exited;
    })();
    try {
      const step = await until("the last step", () => degraded().find(({ step }) => step === "summary"));
      expect(step).toMatchObject({ level: 5, budget_pct: 0.001 });
      expect(step.reason).toMatch(/events a second, for a budget of 0\.001%: detail summary, no sampling$/);
      await until("totals", () => collect.others.some(({ type }) => type === "totals"));
      write("0", "floor = 'summary'\n");
      collect.child.kill("SIGHUP");
      const starts = () => collect.others.filter(({ type }) => type === "start");
      await until("the level that was set", async () => {
        const { detail } = (await (await fetch("http://localhost/status", { unix: socket })).json()) as {
          detail: string;
        };
        return detail === "events" && starts().length > 1;
      });
    } finally {
      isOver = true;
      await spawning;
    }
    expect(degraded().at(-1)).toMatchObject({ step: "as_set", level: 0, budget_pct: 0 });
    const { pid } = Bun.spawnSync(["/bin/true"]);
    await collect.event("an exit", (event) => event.type === "exit" && event.pid === pid);
    await collect.stop();
  });
});
