/** Maps with an entry for each process: their memory, and the events if they have no room. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { BpfObject } from "../../src/bpf/bpf-object.ts";
import { bpfObject } from "../../src/bpf/embedded.ts";
import { PerfEventRing } from "../../src/bpf/perf-event-ring.ts";
import { Collector } from "../../src/collect/collector.ts";
import { CpuRings } from "../../src/collect/cpu-rings.ts";
import type { FiltersSettings } from "../../src/config/sections/filters.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { Backend, type BackendKind, TIMESTAMP_OFFSET } from "../../src/probes/backend.ts";
import { sizeProcessMaps } from "../../src/probes/process-maps.ts";
import { tracepointBackend } from "../../src/probes/tracepoint-backend.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import { possibleCpus } from "../../src/sys/cpus.ts";
import type { ExitEvent, ProcessEvent } from "../../src/wire/event.ts";
import { KNOBS } from "../../src/wire/layout.gen.ts";
import { collectorOptions, probeOptions } from "../collect/collector-options.ts";
import { eventOf } from "../process/event-of.ts";
import { until } from "./support/collect-run.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const notHere = whyNotHere();
const noBtf = whyNoBtf();
const fixture = useFixture(notHere);
const MiB = 2 ** 20;
const RING_BYTES = 4 * MiB;

describe.skipIf(notHere !== null)(titled("maps that are preallocated", notHere), () => {
  test("need less than 8 MiB of kernel memory together at the maximum of processes", () => {
    using object = BpfObject.open("tracepoint", bpfObject("tracepoint"));
    const names = ["tracked_pids", "missed_execs", "thread_groups", "forked_at"];
    const limits = { release: "5.10.0", maxThreads: 1e9, maxPid: 4_194_304 };
    const entries = sizeProcessMaps(object, names, limits);
    object.load();
    let sum = 0;
    for (const name of names) {
      const info = readFileSync(`/proc/self/fdinfo/${object.mapFd(name)}`, "latin1");
      const number = (key: string) => Number(new RegExp(`^${key}:\\s*(\\w+)$`, "m").exec(info)?.[1]);
      // BPF_F_NO_PREALLOC
      expect([name, number("map_flags") & 1, number("max_entries")]).toEqual([name, 0, entries]);
      // memlock counts the preallocated elements.
      expect(number("memlock")).toBeGreaterThan(entries * 64);
      sum += number("memlock");
    }
    expect(sum).toBeLessThan(8 * MiB);
  });
});

/** A collector in this process, with room for few processes in each map. */
async function collecting(
  filters: Partial<FiltersSettings>,
  run: () => Promise<unknown>,
): Promise<{ events: ProcessEvent[]; condition: string | undefined }> {
  const events: ProcessEvent[] = [];
  using collector = new Collector(
    collectorOptions({
      filters: { ...probeOptions().filters, ...filters },
      maxProcesses: 2,
      ringBytes: RING_BYTES,
      watermarkBytes: RING_BYTES / 2,
      lingerMs: 10_000,
    }),
    { event: (view) => void events.push(eventOf(view)), ready: () => true, idle: () => {} },
  );
  collector.start();
  await run();
  const condition = () => collector.conditions.active.get("map_full");
  await until("the condition", condition);
  await collector.stop();
  expect([collector.isBalanced(), collector.lostByCpu]).toEqual([true, []]);
  return { events, condition: condition() };
}

describe.skipIf(notHere !== null)(titled("a map without room", notHere), () => {
  test("of --pid: every descendant is reported, and no other process", async () => {
    await using commands = await fixture().commands();
    const { pid } = await commands.main();
    let crowd: { pid: number }[] = [];
    const others: number[] = [];
    const { events, condition } = await collecting({ pids: [pid] }, async () => {
      for (let i = 0; i < 5; i++) others.push(Bun.spawnSync(["/bin/true"]).pid);
      crowd = (await commands.run("crowd", 40)).everyReaped("crowd");
      for (let i = 0; i < 5; i++) others.push(Bun.spawnSync(["/bin/true"]).pid);
    });
    expect(condition).toContain("--pid");
    expect(crowd).toHaveLength(40);
    for (const { pid } of crowd) {
      const own = events.filter((event) => event.pid === pid).map(({ type }) => type);
      expect([pid, ...own]).toEqual([pid, "fork", "exit"]);
    }
    const watched = new Set([pid, ...crowd.map((process) => process.pid)]);
    expect(events.filter((event) => !watched.has(event.pid))).toEqual([]);
  });

  test("of filtered execs: the executable of a process is null", async () => {
    const uid = 2345;
    let ran: { pid: number }[] = [];
    const { events, condition } = await collecting({ uids: [uid] }, async () => {
      ran = (await fixture().run("ids", [uid, 1234])).everyReaped("turned-user");
    });
    expect(condition).toContain("exe");
    const exits = events.filter(({ type }) => type === "exit") as ExitEvent[];
    const turned = exits.filter((exit) => ran.some(({ pid }) => pid === exit.pid));
    expect(turned).toMatchObject([{ uid, exe: null, args: null }]);
  });
});

/** The events of a backend, read after `run`, and the count of processes without room. */
function eventsOf(kind: BackendKind, run: () => Promise<unknown>): Promise<{ events: ProcessEvent[]; noRoom: number }> {
  return (async () => {
    using backend = new Backend(kind, probeOptions({ maxProcesses: 1 }));
    const sizes = { ringBytes: RING_BYTES, watermarkBytes: RING_BYTES };
    using rings = new CpuRings({
      cpus: possibleCpus(),
      open: (cpu) => new PerfEventRing(backend.eventsMapFd, cpu, sizes),
      hotplugStamp: () => 0,
      noRingStamp: () => 0,
      timestampOffset: TIMESTAMP_OFFSET,
      now: boottimeNs,
    });
    const view = new EventView(new ProcessTable({ lingerNs: 1e12 }), new WallClock(0n));
    const events: ProcessEvent[] = [];
    backend.attach();
    await run();
    backend.detach();
    rings.set.drainAll((record) => {
      view.accept(record);
      events.push(eventOf(view));
    });
    return { events, noRoom: backend.noRoom().threadGroups };
  })();
}

describe.skipIf(notHere !== null)(
  titled("the tracepoint backend without room for a process of several threads", notHere),
  () => {
    async function endOf(kind: BackendKind) {
      let reaped: { pid: number; comm: string } | undefined;
      const { events, noRoom } = await eventsOf(kind, async () => {
        const truths = await fixture().run("leader-first", [20]);
        reaped = truths.reaped("leader-first");
        await fixture().run("threads", [3, 1]);
      });
      expect(noRoom).toBeGreaterThan(0);
      const exits = events.filter(({ type, pid }) => type === "exit" && pid === reaped?.pid) as ExitEvent[];
      expect(exits).toHaveLength(1);
      return { exit: exits[0] as ExitEvent, comm: reaped?.comm };
    }

    const noGroupDead = reasonOf(
      noBtf,
      notHere === null &&
        !/^(6\.(1[6-9]|[2-9]\d)|[7-9]|\d\d)/.test(readFileSync("/proc/sys/kernel/osrelease", "latin1"))
        ? "needs Linux 6.16"
        : null,
    );
    test.skipIf(noGroupDead !== null)(
      titled(
        "reports the name of the process, not of its last thread, if the kernel marks the last thread",
        noGroupDead,
      ),
      async () => {
        const { exit, comm } = await endOf(tracepointBackend());
        expect(exit.comm).toBe(comm as string);
        expect(exit.duration_ns).toBeGreaterThanOrEqual(20_000_000n);
      },
    );

    test("reports no duration if it cannot know which thread is the last", async () => {
      const kind = tracepointBackend();
      const { exit } = await endOf({
        ...kind,
        // Acts like a kernel before Linux 6.16, which does not mark the last thread.
        prepare(object, knobs, options, followsCgroup) {
          kind.prepare(object, knobs, options, followsCgroup);
          knobs.setUint8(KNOBS.group_dead_known, 0);
          return ["thread_groups"];
        },
      });
      expect(exit.duration_ns).toBeNull();
    });
  },
);
