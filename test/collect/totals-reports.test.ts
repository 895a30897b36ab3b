import { expect, test } from "bun:test";
import { TotalsReports } from "../../src/collect/totals-reports.ts";
import type { Backend } from "../../src/probes/backend.ts";
import { DetailSwitch } from "../../src/probes/detail-switch.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { readProcStat } from "../../src/procfs/proc-stat.ts";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { TotalsFeed } from "../../src/totals/feed.ts";
import type { TotalsEvent } from "../../src/wire/event.ts";
import { DETAIL } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { TotalsMemory } from "../totals/memory.ts";
import { exitRecord, forkRecord } from "../wire/make-record.ts";

const PLACES = 16;
const EXITED_NS = 1e12;

/** Reports at detail `summary` of a table with this process, which has used CPU time. */
function setUp(wants: () => boolean) {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const head = { pid: process.pid, comm: "old", cgroup_id: 1n, start_ns: 5n };
  table.fork(recordIn(forkRecord({ ...head, ts_ns: 5n })));
  const detail = new DetailSwitch(new ArrayBuffer(DETAIL.size), () => 0n);
  detail.begin("summary");
  const memory = new TotalsMemory(PLACES);
  const backend = { name: "btf", detail, totals: memory, levelOf: () => "summary" } as unknown as Backend;
  const lines: TotalsEvent[] = [];
  const reports = new TotalsReports({
    backend,
    feed: new TotalsFeed(new TotalsBuffers(() => memory.bytes, PLACES, detail)),
    table,
    intervalMs: 1000,
    scan() {},
    isSampling: () => false,
    wants,
    take: (taken) => lines.push(...taken),
  });
  /** An interval in which a process of that name ended. */
  const report = () => {
    memory.switch.buffer = detail.buffer;
    memory.add(1, { comm: "old", exited_ok: 1, cpu_user_ns: EXITED_NS, cpu_system_ns: EXITED_NS });
    reports.report();
    const { exited_cpu_user_ns: userNs, exited_cpu_system_ns: systemNs } = lines.splice(0)[0] as TotalsEvent;
    return Number(userNs) + Number(systemNs);
  };
  const end = () => table.exit(recordIn(exitRecord({ ...head, ts_ns: 9n })));
  return { reports, report, end };
}

test("CPU time from before the run is subtracted if the process matches the filters", () => {
  const { utimeTicks = 0, stimeTicks = 0 } = readProcStat(process.pid) ?? {};
  expect(utimeTicks + stimeTicks).toBeGreaterThan(0);
  for (const isWanted of [true, false]) {
    const { reports, report, end } = setUp(() => isWanted);
    reports.seeded();
    end();
    if (isWanted) expect(report()).toBeLessThan(2 * EXITED_NS);
    else expect(report()).toBe(2 * EXITED_NS);
  }
});

test("read groups and listed processes count as work", () => {
  const { reports, report, end } = setUp(() => true);
  expect(reports.work).toBe(0);
  report();
  expect(reports.work).toBe(2);
  end();
  report();
  // The buffer of the first interval is read once more before the BPF programs reuse it.
  expect(reports.work).toBe(4);
});
