import { describe, expect, test } from "bun:test";
import { ProcessTable } from "../../src/process/table.ts";
import { NO_SLOT } from "../../src/process/table-slots.ts";
import { KNOWN_CGROUP, KNOWN_PPID, KNOWN_START } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { argumentBytes, execRecord, exitRecord, forkRecord, pathComponents } from "../wire/make-record.ts";

const text = new TextDecoder();
const bytes = (string: string) => new TextEncoder().encode(string);

describe("the table has of a process", () => {
  test("its group and cgroup at its last event, the cgroup id in 64 bits", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const identity = { pid: 9, start_ns: 1n };
    const slot = table.fork(recordIn(forkRecord({ ...identity, gid: 5, cgroup_id: 0x1_0000_0007n })));
    expect([table.gid(slot), table.cgroupId(slot)]).toEqual([5, 0x1_0000_0007n]);
    expect([table.cgroupIdHigh(slot), table.cgroupIdLow(slot)]).toEqual([1, 7]);
    table.exec(recordIn(execRecord({ ...identity, gid: 6, cgroup_id: 8n })));
    expect([table.gid(slot), table.cgroupId(slot)]).toEqual([6, 8n]);
    const flags = KNOWN_START | KNOWN_PPID;
    table.exec(recordIn(execRecord({ ...identity, flags, cgroup_id: 0n })));
    expect(table.cgroupId(slot)).toBe(8n);
    expect(table.cgroupId(table.fork(recordIn(forkRecord({ pid: 10, start_ns: 2n, flags }))))).toBeUndefined();
  });

  test("wait status and time of its exit, if known", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const born = (pid: number) => table.fork(recordIn(forkRecord({ pid, start_ns: 1n, ts_ns: 2 })));
    const [exited, unknown, lost] = [born(1), born(2), born(3)];
    expect([table.exitedNs(exited), table.exitStatus(exited)]).toEqual([undefined, undefined]);
    table.exit(recordIn(exitRecord({ pid: 1, start_ns: 1n, ts_ns: 50, status: 0x300 })));
    table.exit(recordIn(exitRecord({ pid: 2, start_ns: 1n, ts_ns: 60, status: 9, known: 0 })));
    table.reconcileGone(lost, 70);
    expect([exited, unknown, lost].map((slot) => [table.exitedNs(slot), table.exitStatus(slot)])).toEqual([
      [50, 0x300],
      [60, undefined],
      [70, undefined],
    ]);
    // A new process in its slot has none of its values.
    table.expire(1e18);
    const again = born(4);
    expect([table.exitedNs(again), table.exitStatus(again)]).toEqual([undefined, undefined]);
  });

  test("the time of its exit, exact above 2^53 ns, and it expires nevertheless", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const exitOf = (slot: number) => (BigInt(table.exitedHigh(slot)) << 32n) | BigInt(table.exitedLow(slot));
    const ts_ns = 18_000_000_000_000_000_123n;
    const exited = table.exit(recordIn(exitRecord({ pid: 1, start_ns: 1n, ts_ns })));
    // Its exit was lost, and another process has its pid.
    const lost = table.fork(recordIn(forkRecord({ pid: 2, start_ns: 1n, ts_ns: 5 })));
    table.fork(recordIn(forkRecord({ pid: 2, start_ns: 2n, ts_ns: ts_ns + 2n })));
    expect([exitOf(exited), exitOf(lost)]).toEqual([ts_ns, ts_ns + 2n]);
    expect(table.exitedNs(exited)).toBe(Number(ts_ns));
    table.expire(Number(ts_ns) + 0.5e9);
    expect(table.lingering).toBe(2);
    table.expire(Number(ts_ns) + 2e9);
    expect(table.lingering).toBe(0);
  });

  test.each([1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 62 + 2 ** 31 + 2 ** 20])(
    "the time at which it was found to be gone, exact: %d ns",
    (nowNs) => {
      const table = new ProcessTable({ lingerNs: 1e9 });
      const slot = table.fork(recordIn(forkRecord({ pid: 1, start_ns: 1n })));
      table.reconcileGone(slot, nowNs);
      expect(table.exitedNs(slot)).toBe(nowNs);
      expect(table.exitedHigh(slot)).toBe(Math.floor(nowNs / 2 ** 32));
    },
  );

  test("its latest sample, and no sample of an earlier process in its slot", () => {
    const table = new ProcessTable({ lingerNs: 0 });
    const sampleOf = (slot: number) => [table.cpuPct(slot), table.rssBytes(slot), table.threads(slot)];
    const slot = table.fork(recordIn(forkRecord({ pid: 1, start_ns: 1n })));
    expect(sampleOf(slot)).toEqual([undefined, undefined, undefined]);
    table.setSample(slot, 0, 2 ** 40, 3);
    expect(sampleOf(slot)).toEqual([0, 2 ** 40, 3]);
    table.setSample(slot, 12.5, 4096, 1);
    expect(sampleOf(slot)).toEqual([12.5, 4096, 1]);
    table.exit(recordIn(exitRecord({ pid: 1, start_ns: 1n, ts_ns: 5 })));
    expect(sampleOf(slot)).toEqual([12.5, 4096, 1]);
    table.expire(1e9);
    expect(table.fork(recordIn(forkRecord({ pid: 2, start_ns: 1n })))).toBe(slot);
    expect(sampleOf(slot)).toEqual([undefined, undefined, undefined]);
  });

  test("its texts, with U+FFFD for invalid UTF-8, and null if unknown", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const slot = table.fork(recordIn(forkRecord({ pid: 1, start_ns: 1n, comm: new Uint8Array([0x61, 0xff, 0]) })));
    expect([table.comm(slot), table.exe(slot), table.args(slot), table.argsTruncated(slot)]).toEqual([
      "a\ufffd",
      null,
      null,
      null,
    ]);
    table.setImage(slot, bytes("/bin/x"), bytes("x\0\0y"), true);
    expect([table.exe(slot), table.args(slot), table.argsTruncated(slot)]).toEqual(["/bin/x", ["x", "", "y"], true]);
  });

  test("its slot among the known slots while it is live or lingers", () => {
    const table = new ProcessTable({ lingerNs: 0 });
    for (const pid of [1, 2, 3]) table.fork(recordIn(forkRecord({ pid, start_ns: 1n })));
    table.exit(recordIn(exitRecord({ pid: 2, start_ns: 1n, ts_ns: 5 })));
    const pids = (slots: Iterable<number>) => [...slots].map((slot) => table.pid(slot));
    expect([pids(table.liveSlots()), pids(table.knownSlots())]).toEqual([
      [1, 3],
      [1, 2, 3],
    ]);
    table.expire(1e9);
    expect(pids(table.knownSlots())).toEqual([1, 3]);
  });

  test("a generation that changes with each change, and only then", () => {
    const table = new ProcessTable({ lingerNs: 0 });
    const seen = new Set([table.generation]);
    const changed = (change: () => unknown) => {
      change();
      expect(seen.has(table.generation)).toBe(false);
      seen.add(table.generation);
    };
    const identity = { pid: 1, start_ns: 1n };
    changed(() => table.fork(recordIn(forkRecord(identity))));
    changed(() => table.exec(recordIn(execRecord(identity))));
    changed(() => table.setImage(table.find(1), null, null));
    changed(() => table.setSample(table.find(1), 1, 2, 3));
    changed(() => table.seed(recordIn(forkRecord({ pid: 2, start_ns: 2n }))));
    changed(() => table.refresh(recordIn(forkRecord({ pid: 2, start_ns: 2n, uid: 1 }))));
    changed(() => table.exit(recordIn(exitRecord(identity))));
    changed(() => table.reconcileGone(table.find(2), 5));
    changed(() => table.expire(1e9));
    const { generation } = table;
    table.expire(2e9);
    for (const slot of table.knownSlots()) table.comm(slot);
    expect(table.generation).toBe(generation);
  });
});

describe("a list of running processes", () => {
  test("updates parent and cgroup, and keeps the name of the event", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const identity = { pid: 9, start_ns: 1n };
    const slot = table.fork(recordIn(forkRecord({ ...identity, ts_ns: 2, ppid: 5, cgroup_id: 7n, comm: "old" })));
    expect(table.seed(recordIn(forkRecord({ ...identity, ppid: 1, cgroup_id: 8n, comm: "new" })))).toBe(slot);
    expect([table.ppid(slot), table.birthPpid(slot), table.cgroupId(slot), table.comm(slot)]).toEqual([
      1,
      5,
      8n,
      "old",
    ]);
    // A list without parent and cgroup removes nothing.
    table.seed(recordIn(forkRecord({ ...identity, flags: KNOWN_START })));
    expect([table.ppid(slot), table.cgroupId(slot)]).toEqual([1, 8n]);
  });

  test("also updates user and name by refresh(), which lists the current state", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const identity = { pid: 9, start_ns: 1n };
    const slot = table.fork(recordIn(forkRecord({ ...identity, ts_ns: 2, ppid: 5, uid: 0, gid: 0, comm: "master" })));
    const now = { ...identity, ppid: 5, uid: 33, gid: 34, comm: "worker" };
    expect(table.refresh(recordIn(forkRecord(now)))).toBe(slot);
    expect([table.uid(slot), table.gid(slot), table.comm(slot), table.bornNs(slot)]).toEqual([33, 34, "worker", 2]);
    table.exit(recordIn(exitRecord({ ...now, comm: "gone" })));
    expect(table.refresh(recordIn(forkRecord(now)))).toBe(slot);
    expect([table.comm(slot), table.isLive(slot)]).toEqual(["gone", false]);
    // A process without an event is added.
    const other = table.refresh(recordIn(forkRecord({ pid: 10, start_ns: 3n, comm: "other" })));
    expect([table.find(10), table.comm(other)]).toEqual([other, "other"]);
  });

  test("calls onRenamed for each new name and each unknown process", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const told: string[] = [];
    table.onRenamed = (slot) => told.push(`${table.pid(slot)} ${table.comm(slot)}`);
    const tell = (pid: number, comm: string) => table.refresh(recordIn(forkRecord({ pid, start_ns: 1n, comm })));
    table.fork(recordIn(forkRecord({ pid: 9, start_ns: 1n, ts_ns: 2, comm: "sh" })));
    tell(9, "sh");
    tell(9, "ls");
    tell(10, "cat");
    tell(10, "cat");
    expect(told).toEqual(["9 ls", "10 cat"]);
  });

  test("changes nothing of a process that has exited since", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const identity = { pid: 9, start_ns: 1n };
    const slot = table.exit(recordIn(exitRecord({ ...identity, ppid: 5 })));
    table.seed(recordIn(forkRecord({ ...identity, ppid: 1, flags: KNOWN_START | KNOWN_CGROUP })));
    expect([table.ppid(slot), table.isLive(slot)]).toEqual([5, false]);
  });
});

describe("redaction", () => {
  const shout = (args: Uint8Array) => bytes(text.decode(args).toUpperCase().replaceAll("B", "<B>"));
  const exec = (args: string[], pid = 1) =>
    recordIn(execRecord({ pid, start_ns: 1n, exe: pathComponents("/bin/tool"), args: argumentBytes(...args) }));

  test("is applied to arguments of any source before they are stored, and not to the path", () => {
    const table = new ProcessTable({ lingerNs: 1e9, redact: shout });
    const slot = table.exec(exec(["a", "b", "c"]));
    expect([table.exe(slot), table.args(slot), table.argsTruncated(slot)]).toEqual([
      "/bin/tool",
      ["A", "<B>", "C"],
      false,
    ]);
    table.setImage(slot, bytes("/bin/other"), bytes("ab\0"));
    expect([table.exe(slot), table.args(slot)]).toEqual(["/bin/other", ["A<B>"]]);
    table.setImage(slot, null, null);
    expect(table.args(slot)).toBeNull();
  });

  test("can be changed at runtime, for later execs", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    const [before, after, without] = [1, 2, 3].map((pid) => {
      table.redact = pid === 2 ? shout : undefined;
      return table.exec(exec(["a"], pid));
    }) as [number, number, number];
    expect([before, after, without].map((slot) => table.args(slot))).toEqual([["a"], ["A"], ["a"]]);
  });

  test("cuts and marks arguments that it makes longer than an image can store", () => {
    const table = new ProcessTable({ lingerNs: 1e9, redact: (args) => new Uint8Array(args.length * 10).fill(0x78) });
    const slot = table.exec(exec(["y".repeat(15_000)]));
    expect(table.argsTruncated(slot)).toBe(true);
    expect(table.args(slot)?.[0]?.length).toBeGreaterThan(30_000);
    table.setImage(slot, bytes("/x"), new Uint8Array(15_000));
    expect(table.argsTruncated(slot)).toBe(true);
  });
});

describe("memory", () => {
  /** A typical image on servers: a path of 20 to 50 bytes, arguments of 20 to 200 bytes, no two the same. */
  const image = (i: number) => ({
    exe: `/usr/lib/${"program".padEnd(8 + (i % 23), "x")}/bin/worker`,
    args: argumentBytes("worker", `--id=${i}`, `--data=/var/lib/${"d".repeat(i % 150)}`),
  });
  const enter = (table: ProcessTable, i: number) => {
    const { exe, args } = image(i);
    const slot = table.seed(recordIn(forkRecord({ pid: i + 1, start_ns: BigInt(i + 1), ppid: 1, comm: "worker" })));
    table.setImage(slot, bytes(exe), args);
  };

  test("of a hundred thousand live processes is at most 40 MB", () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    for (let i = 0; i < 100_000; i++) enter(table, i);
    expect(table.images.count).toBe(100_000);
    expect(table.bytes).toBeLessThanOrEqual(40e6);
  });

  test("of a storm is freed, and the remaining processes are unchanged", () => {
    const table = new ProcessTable({ lingerNs: 1000, lingerMax: 50 });
    for (let i = 0; i < 300; i++) enter(table, i);
    table.expire(0);
    const before = table.bytes;
    for (let storm = 0; storm < 3; storm++) {
      for (let i = 300; i < 40_000; i++) enter(table, i);
      expect(table.bytes).toBeGreaterThan(8e6);
      for (let i = 300; i < 40_000; i++) {
        table.exit(recordIn(exitRecord({ pid: i + 1, start_ns: BigInt(i + 1), ts_ns: 10, status: 256 })));
      }
      table.expire(20);
      // Lingering processes are still in the table, in the order of their exits, with all their values.
      expect([table.live, table.lingering]).toEqual([300, 50]);
      for (let i = 39_950; i < 40_000; i++) {
        const slot = table.find(i + 1);
        expect(table.args(slot)?.[1]).toBe(`--id=${i}`);
        expect([table.isLive(slot), table.exitStatus(slot), table.exitedNs(slot)]).toEqual([false, 256, 10]);
      }
      table.expire(10_000);
      expect([table.live, table.lingering]).toEqual([300, 0]);
      expect(table.bytes).toBeLessThan(2 * before);
    }
    for (let i = 0; i < 300; i++) {
      const slot = table.findLive(i + 1);
      expect(slot).not.toBe(NO_SLOT);
      expect([table.comm(slot), table.exe(slot)]).toEqual(["worker", image(i).exe]);
      expect(table.args(slot)?.[1]).toBe(`--id=${i}`);
    }
    expect(table.images.count).toBe(300);
  });
});
