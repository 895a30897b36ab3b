import { describe, expect, test } from "bun:test";
import { Reconciler } from "../../src/collect/reconciler.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { NO_SLOT } from "../../src/process/table-slots.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import { type Record, recordIn } from "../../src/wire/record.ts";
import { execRecord, exitRecord, forkRecord, type Head } from "../wire/make-record.ts";

/** A pid above every possible pid. */
const PID = 2 ** 23;

function reconcilerOf(table: ProcessTable, running: Head[], drain: () => boolean, exitsHeldBack = false): Reconciler {
  const lister = {
    source: "task-iterator" as const,
    list(each: (record: Record) => void) {
      for (const head of running) each(recordIn(forkRecord(head)));
    },
    [Symbol.dispose]() {},
  };
  return new Reconciler({ table, drain, exitsHeldBack, lister });
}

describe("comparing the table with the running processes", () => {
  test("a process that is not on the list is removed once, with a callback for its pid", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const gone: number[] = [];
    table.onGone = (pid) => gone.push(pid);
    const lost = { pid: PID, start_ns: 1n };
    const live = { pid: PID + 1, start_ns: 2n };
    for (const head of [lost, live]) table.fork(recordIn(forkRecord({ ...head, ts_ns: 1 })));
    using reconciler = reconcilerOf(table, [live], () => true);
    reconciler.reconcile();
    reconciler.reconcile();
    expect([table.findLive(PID), table.find(PID) !== NO_SLOT, table.lostExits]).toEqual([NO_SLOT, true, 1]);
    expect(table.findLive(PID + 1)).not.toBe(NO_SLOT);
    expect(gone).toEqual([PID]);
  });

  test("a filtered exit does not count as lost", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    table.exitsHeldBack = true;
    table.fork(recordIn(forkRecord({ pid: PID, start_ns: 1n, ts_ns: 1 })));
    using reconciler = reconcilerOf(table, [], () => true, true);
    reconciler.reconcile();
    expect([table.findLive(PID), table.lostExits]).toEqual([NO_SLOT, 0]);
  });

  test("the comparison comes sooner if exits are filtered", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const isDue = [false, true].map((heldBack) => {
      using reconciler = reconcilerOf(table, [], () => true, heldBack);
      reconciler.reconcile();
      return [0, 30e9, 600e9].map((laterNs) => reconciler.isDue(boottimeNs() + laterNs));
    });
    expect(isDue).toEqual([
      [false, false, true],
      [false, true, true],
    ]);
  });

  test("a process that executes after the listing is alive, although its fork was filtered", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const head = { pid: PID, start_ns: 5n };
    let events = [() => table.exec(recordIn(execRecord(head)))];
    using reconciler = reconcilerOf(table, [], () => {
      for (const event of events.splice(0)) event();
      return true;
    });
    reconciler.reconcile();
    expect(table.findLive(PID)).not.toBe(NO_SLOT);
    // A process that ended meanwhile has its own event.
    events = [() => table.exit(recordIn(exitRecord(head)))];
    reconciler.reconcile();
    expect([table.findLive(PID), table.lostExits]).toEqual([NO_SLOT, 0]);
  });

  test("an exit that may be in an unread ring does not count as lost", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const head = { pid: PID, start_ns: 1n };
    table.fork(recordIn(forkRecord({ ...head, ts_ns: 1 })));
    let isHeldUp = true;
    using reconciler = reconcilerOf(table, [], () => {
      if (!isHeldUp) table.exit(recordIn(exitRecord(head)));
      return !isHeldUp;
    });
    reconciler.reconcile();
    expect([table.findLive(PID) !== NO_SLOT, table.lostExits]).toEqual([true, 0]);
    // The comparison stays due, and finds the exit when it arrives.
    expect(reconciler.isDue(boottimeNs())).toBe(true);
    isHeldUp = false;
    reconciler.reconcile();
    expect([table.findLive(PID), table.lostExits]).toEqual([NO_SLOT, 0]);
    expect(reconciler.isDue(boottimeNs())).toBe(false);
  });
});

describe("a list that may omit live processes", () => {
  function tableOf(...pids: number[]): ProcessTable {
    const table = new ProcessTable({ lingerNs: 1e9 });
    for (const pid of pids) table.fork(recordIn(forkRecord({ pid, start_ns: BigInt(pid), ts_ns: pid - PID + 1 })));
    return table;
  }

  function hiding(hidden: readonly number[]) {
    return {
      source: "task-iterator" as const,
      list() {},
      mayHide: (pid: number, startNs: number) => hidden.includes(pid) && startNs === pid,
      [Symbol.dispose]() {},
    };
  }

  test("leaves omitted processes in the table, and counts no exit as lost", () => {
    const table = tableOf(PID, PID + 1);
    using reconciler = new Reconciler({ table, drain: () => true, lister: hiding([PID]) });
    for (let i = 0; i < 3; i++) reconciler.reconcile();
    expect([table.findLive(PID) !== NO_SLOT, table.findLive(PID + 1), table.lostExits]).toEqual([true, NO_SLOT, 1]);
  });

  test("does not let the table grow without bound if exits are filtered: the oldest are dropped", () => {
    const pids = [PID, PID + 1, PID + 2, PID + 3];
    const table = tableOf(...pids);
    table.exitsHeldBack = true;
    const lister = hiding(pids);
    using reconciler = new Reconciler({ table, drain: () => true, exitsHeldBack: true, lister, maxUnverified: 2 });
    reconciler.reconcile();
    expect(pids.filter((pid) => table.findLive(pid) !== NO_SLOT)).toEqual([PID + 2, PID + 3]);
    expect(table.lostExits).toBe(0);
  });

  test("is read at the given interval", () => {
    using reconciler = new Reconciler({ table: tableOf(), drain: () => true, lister: hiding([]), everyNs: 5e6 });
    reconciler.reconcile();
    expect(reconciler.isDue(boottimeNs() + 5e6)).toBeTrue();
  });
});

test("all descendants of the watched processes are found, in any order of pids", () => {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const chain = Array.from({ length: 40 }, (_, i) => ({ pid: PID + i, ppid: PID + i + 1, start_ns: BigInt(40 - i) }));
  const stranger = { pid: PID + 100, ppid: 1, start_ns: 1n };
  using reconciler = reconcilerOf(table, [...chain, stranger], () => true);
  const tracked = new Set<number>();
  const family = reconciler.seed([PID + 40], (pid) => tracked.add(pid));
  expect([...family].sort()).toEqual([PID + 40, ...chain.map(({ pid }) => pid)].sort());
  expect(tracked).toEqual(new Set(family));
});
