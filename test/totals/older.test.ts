import { expect, test } from "bun:test";
import { ProcessTable } from "../../src/process/table.ts";
import { NS_PER_CLOCK_TICK } from "../../src/procfs/proc-stat.ts";
import { TotalsBuffers } from "../../src/totals/buffers.ts";
import { OlderProcesses } from "../../src/totals/older.ts";
import { recordIn } from "../../src/wire/record.ts";
import { exitRecord, forkRecord } from "../wire/make-record.ts";
import { TotalsMemory } from "./memory.ts";

test("what a process had used before the run is taken off once it has ended, and only then", () => {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const head = { pid: 7, comm: "old", cgroup_id: 1n, start_ns: 5n };
  table.fork(recordIn(forkRecord({ ...head, ts_ns: 5n })));
  const older = new OlderProcesses(table);
  older.begin(() => ({ utimeTicks: 3, stimeTicks: 2 }));
  const memory = new TotalsMemory(16);
  const buffers = new TotalsBuffers(memory.bytes, 16, memory.switch);
  const interval = () => {
    const exited = { exited_ok: 1, cpu_user_ns: 10 * NS_PER_CLOCK_TICK, cpu_system_ns: NS_PER_CLOCK_TICK };
    memory.add(1, { comm: "old", ...exited });
    const groups = buffers.take();
    older.subtract(groups);
    return [groups[0]?.figure("cpu_user_ns"), groups[0]?.figure("cpu_system_ns")];
  };
  expect(interval()).toEqual([10 * NS_PER_CLOCK_TICK, NS_PER_CLOCK_TICK]);
  table.exit(recordIn(exitRecord({ ...head, ts_ns: 9n })));
  expect(interval()).toEqual([7 * NS_PER_CLOCK_TICK, 0]);
  expect(interval()).toEqual([10 * NS_PER_CLOCK_TICK, NS_PER_CLOCK_TICK]);
});
