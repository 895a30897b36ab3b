import { describe, expect, test } from "bun:test";
import { NO_IMAGE } from "../../src/process/image-store.ts";
import { redactorOf } from "../../src/process/redact.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { NO_SLOT } from "../../src/process/table-slots.ts";
import { ARGS_CUT, EXE_WHOLE, KNOWN_ARGS, KNOWN_CGROUP, KNOWN_EXE, KNOWN_PPID } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import {
  argumentBytes,
  EXEC_KNOWN,
  type Exec,
  type Exit,
  execRecord,
  exitRecord,
  forkRecord,
  HEAD_KNOWN,
  type Head,
  pathComponents,
} from "../wire/make-record.ts";

/** A table that takes fields instead of records. */
class Table extends ProcessTable {
  constructor(options: { lingerNs?: number; lingerMax?: number } = {}) {
    super({ lingerNs: 1e9, ...options });
  }

  forked(fields: Head): number {
    return this.fork(recordIn(forkRecord(fields)));
  }

  /** Takes path and arguments in their usual form. */
  execed(fields: Omit<Exec, "exe" | "args"> & { exe: string; args?: string[] }): number {
    const args = argumentBytes(...(fields.args ?? [fields.exe]));
    return this.exec(recordIn(execRecord({ ...fields, exe: pathComponents(fields.exe), args })));
  }

  exited(fields: Exit): number {
    return this.exit(recordIn(exitRecord(fields)));
  }

  seeded(fields: Head): number {
    return this.seed(recordIn(forkRecord(fields)));
  }
}

describe("a process's life", () => {
  test("fork adds it, exec sets its image, exit keeps it for its grace time, then it expires", () => {
    const table = new Table({ lingerNs: 1000 });
    const identity = { pid: 100, start_ns: 5000n };
    const born = table.forked({ ...identity, ppid: 1, uid: 7, comm: "sh", ts_ns: 5001 });
    expect(table.findLive(100)).toBe(born);
    expect(table.live).toBe(1);
    expect(table.pid(born)).toBe(100);
    expect(table.ppid(born)).toBe(1);
    expect(table.uid(born)).toBe(7);
    expect(table.comm(born)).toBe("sh");
    expect(table.bornNs(born)).toBe(5001);
    expect(table.image(born)).toBe(NO_IMAGE);
    expect([table.startHigh(born), table.startLow(born)]).toEqual([0, 5000]);

    expect(table.execed({ ...identity, comm: "true", exe: "/usr/bin/true", args: ["true", "x"] })).toBe(born);
    expect(table.comm(born)).toBe("true");
    expect(table.exe(born)).toBe("/usr/bin/true");
    expect(table.args(born)).toEqual(["true", "x"]);
    expect(table.live).toBe(1);

    expect(table.exited({ ...identity, ts_ns: 9000, comm: "true" })).toBe(born);
    expect(table.isLive(born)).toBe(false);
    expect(table.findLive(100)).toBe(NO_SLOT);
    expect(table.find(100)).toBe(born);
    expect(table.exe(born)).toBe("/usr/bin/true");
    expect([table.live, table.lingering]).toEqual([0, 1]);

    table.expire(10_000);
    expect(table.find(100)).toBe(born);
    table.expire(10_001);
    expect(table.find(100)).toBe(NO_SLOT);
    expect([table.live, table.lingering, table.lostExits, table.images.count]).toEqual([0, 0, 0, 0]);
  });

  test("a name of 16 bytes without NUL is kept, and bytes after a NUL are cleared", () => {
    const table = new Table();
    const bytes = new Uint8Array(16);
    table.copyComm(table.forked({ pid: 1, comm: "0123456789abcdef" }), bytes);
    expect(Buffer.from(bytes).toString()).toBe("0123456789abcdef");
    table.copyComm(table.forked({ pid: 2, comm: "ab\0cd" }), bytes);
    expect(Buffer.from(bytes).toString()).toBe(`ab\0cd${"\0".repeat(11)}`);
  });

  test("a start time above 2^32 ns is stored in two halves", () => {
    const table = new Table();
    const slot = table.forked({ pid: 1, start_ns: 0x12_3456_789an });
    expect([table.startHigh(slot), table.startLow(slot)]).toEqual([0x12, 0x3456789a]);
  });

  test("an exec by a thread other than the leader counts for its pid, not for the old tid", () => {
    const table = new Table();
    const slot = table.forked({ pid: 100, start_ns: 5n, comm: "threads" });
    const other = table.forked({ pid: 103, start_ns: 6n, comm: "other" });
    expect(table.execed({ pid: 100, start_ns: 5n, old_tid: 103, comm: "true", exe: "/bin/true" })).toBe(slot);
    expect(table.comm(other)).toBe("other");
    expect(table.image(other)).toBe(NO_IMAGE);
  });

  test("uid and parent are from the last event", () => {
    const table = new Table();
    const slot = table.forked({ pid: 9, start_ns: 1n, ppid: 5, uid: 0 });
    table.execed({ pid: 9, start_ns: 1n, ppid: 1, uid: 1000, exe: "/bin/su" });
    expect([table.ppid(slot), table.uid(slot)]).toEqual([1, 1000]);
  });
});

describe("missing events", () => {
  test("an exec before or without a fork adds the process", () => {
    const table = new Table();
    const slot = table.execed({ pid: 100, start_ns: 5n, ppid: 1, comm: "true", exe: "/bin/true" });
    expect(table.bornNs(slot)).toBeUndefined();
    expect(table.live).toBe(1);
    expect(table.forked({ pid: 100, start_ns: 5n, ppid: 1, ts_ns: 6, comm: "sh" })).toBe(slot);
    expect(table.bornNs(slot)).toBe(6);
    // The process keeps the image of its exec, not of its parent.
    expect(table.exe(slot)).toBe("/bin/true");
    expect([table.live, table.lostExits]).toEqual([1, 0]);
  });

  test("an exit without earlier events adds an ended process, which expires like others", () => {
    const table = new Table({ lingerNs: 10 });
    const slot = table.exited({ pid: 100, start_ns: 5n, ts_ns: 50, comm: "gone", ppid: 3 });
    expect(table.findLive(100)).toBe(NO_SLOT);
    expect(table.find(100)).toBe(slot);
    expect(table.comm(slot)).toBe("gone");
    expect(table.image(slot)).toBe(NO_IMAGE);
    expect([table.live, table.lingering, table.lostExits]).toEqual([0, 1, 0]);
    table.expire(1000);
    expect(table.find(100)).toBe(NO_SLOT);
  });

  test("a second exit, and an exec after the exit, change nothing but the image", () => {
    const table = new Table({ lingerNs: 10 });
    const identity = { pid: 100, start_ns: 5n };
    const slot = table.forked({ ...identity, ts_ns: 5 });
    table.exited({ ...identity, ts_ns: 50 });
    expect(table.exited({ ...identity, ts_ns: 60 })).toBe(slot);
    expect(table.execed({ ...identity, ts_ns: 40, exe: "/bin/late" })).toBe(slot);
    expect(table.exe(slot)).toBe("/bin/late");
    expect([table.live, table.lingering, table.lostExits]).toEqual([0, 1, 0]);
    table.expire(61);
    expect([table.lingering, table.images.count]).toEqual([0, 0]);
  });

  test("a parent that is not in the table is stored as its pid only", () => {
    const table = new Table();
    const slot = table.forked({ pid: 100, start_ns: 5n, ppid: 99 });
    expect(table.ppid(slot)).toBe(99);
    expect(table.find(99)).toBe(NO_SLOT);
    expect(table.image(slot)).toBe(NO_IMAGE);
  });

  test("a parent that the record does not have is unknown, not the parent of an earlier process", () => {
    const table = new Table();
    const slot = table.forked({ pid: 100, flags: KNOWN_CGROUP, ppid: 99 });
    expect(table.ppid(slot)).toBeUndefined();
    table.exited({ pid: 100, flags: 0, ts_ns: 5 });
    const again = table.forked({ pid: 100, flags: 0 });
    expect(again).not.toBe(slot);
    expect(table.ppid(again)).toBeUndefined();
  });

  test("an image without known path and arguments has neither KNOWN flag", () => {
    const table = new Table();
    const flags = (HEAD_KNOWN | ARGS_CUT) & ~KNOWN_EXE;
    const slot = table.execed({ pid: 1, flags, exe: "/deep/down" });
    expect(table.images.flags(table.image(slot))).toBe(ARGS_CUT);
  });

  test("a path that the record has as one string is not reversed", () => {
    const table = new Table();
    const flags = KNOWN_EXE | EXE_WHOLE;
    const slot = table.exec(recordIn(execRecord({ pid: 1, flags, exe: "/usr/bin/true\0" })));
    expect(table.exe(slot)).toBe("/usr/bin/true");
  });
});

describe("images", () => {
  test("are shared by a child and its parent until one of them executes, and freed by the last", () => {
    const table = new Table({ lingerNs: 0 });
    const parent = table.execed({ pid: 1, start_ns: 1n, exe: "/bin/sh" });
    const child = table.forked({ pid: 2, start_ns: 2n, ppid: 1 });
    const grandchild = table.forked({ pid: 3, start_ns: 3n, ppid: 2 });
    expect(table.image(child)).toBe(table.image(parent));
    expect(table.image(grandchild)).toBe(table.image(parent));
    expect(table.images.count).toBe(1);

    table.execed({ pid: 1, start_ns: 1n, exe: "/bin/other" });
    expect(table.exe(grandchild)).toBe("/bin/sh");
    expect(table.images.count).toBe(2);

    table.exited({ pid: 2, start_ns: 2n, ts_ns: 10 });
    table.expire(1e9);
    expect(table.exe(grandchild)).toBe("/bin/sh");
    table.execed({ pid: 3, start_ns: 3n, exe: "/bin/true" });
    expect(table.images.count).toBe(2);
    for (const [pid, start_ns] of [
      [1, 1n],
      [3, 3n],
    ] as const) {
      table.exited({ pid, start_ns, ts_ns: 20 });
    }
    table.expire(2e9);
    expect([table.images.count, table.live, table.lingering]).toEqual([0, 0, 0]);
  });

  test("are inherited also from a parent that has just exited", () => {
    const table = new Table();
    table.execed({ pid: 1, start_ns: 1n, exe: "/bin/sh" });
    table.exited({ pid: 1, start_ns: 1n, ts_ns: 10 });
    expect(table.exe(table.forked({ pid: 2, start_ns: 2n, ppid: 1 }))).toBe("/bin/sh");
  });

  test("set by setImage() have null parts as unknown", () => {
    const table = new Table({ lingerNs: 0 });
    const bytes = (text: string) => new TextEncoder().encode(text);
    const slot = table.seeded({ pid: 1, start_ns: 1n });
    const flags = () => table.images.flags(table.image(slot));
    table.setImage(slot, bytes("/usr/bin/sleep"), bytes("sleep\x001\x00"));
    expect([table.exe(slot), table.args(slot), flags()]).toEqual([
      "/usr/bin/sleep",
      ["sleep", "1"],
      KNOWN_EXE | EXE_WHOLE | KNOWN_ARGS,
    ]);
    table.setImage(slot, null, bytes("a"));
    expect([table.args(slot), flags()]).toEqual([["a"], KNOWN_ARGS]);
    table.setImage(slot, bytes("/a"), null);
    expect([table.exe(slot), flags()]).toEqual(["/a", KNOWN_EXE | EXE_WHOLE]);
    table.setImage(slot, null, null);
    expect(flags()).toBe(0);
    expect(table.images.count).toBe(1);
    table.exited({ pid: 1, start_ns: 1n });
    table.expire(1e9);
    expect(table.images.count).toBe(0);
  });

  test("of the maximum size of a record are stored whole", () => {
    const table = new Table();
    const exe = `/${"d".repeat(255)}`.repeat(20);
    const args = ["a".repeat(15360 - exe.length - 1)];
    const slot = table.execed({ pid: 1, exe, args });
    expect(table.exe(slot)).toBe(exe);
    expect(table.args(slot)).toEqual(args);
  });
});

describe("a pid that is used again", () => {
  test("after a seen exit is another process, beside the lingering one", () => {
    const table = new Table();
    const first = table.execed({ pid: 100, start_ns: 5n, exe: "/bin/first" });
    table.exited({ pid: 100, start_ns: 5n, ts_ns: 10 });
    const second = table.forked({ pid: 100, start_ns: 20n, ts_ns: 20 });
    expect(second).not.toBe(first);
    expect(table.find(100)).toBe(second);
    expect(table.image(second)).toBe(NO_IMAGE);
    expect(table.exe(first)).toBe("/bin/first");
    expect([table.live, table.lingering, table.lostExits]).toEqual([1, 1, 0]);
    // A late event of the first process still finds the first.
    expect(table.execed({ pid: 100, start_ns: 5n, exe: "/bin/late" })).toBe(first);
    expect(table.isLive(first)).toBe(false);
    expect(table.find(100)).toBe(second);
  });

  test.each(["fork", "exec", "exit"])("after a lost exit is another process, whose %s ends the first", (event) => {
    const table = new Table({ lingerNs: 100 });
    const first = table.execed({ pid: 100, start_ns: 5n, comm: "first", exe: "/bin/first" });
    const fields = { pid: 100, start_ns: 20n, ts_ns: 30, comm: "second" };
    const second =
      event === "fork"
        ? table.forked(fields)
        : event === "exec"
          ? table.execed({ ...fields, exe: "/bin/second" })
          : table.exited(fields);
    expect(second).not.toBe(first);
    expect(table.isLive(first)).toBe(false);
    expect(table.comm(first)).toBe("first");
    expect(table.find(100)).toBe(second);
    expect(table.comm(second)).toBe("second");
    expect(table.exe(second)).toBe(event === "exec" ? "/bin/second" : null);
    expect(table.lostExits).toBe(1);
    expect(table.lingering).toBe(event === "exit" ? 2 : 1);
    // The first counts as exited when the second was seen.
    table.expire(131);
    expect(table.find(100)).toBe(event === "exit" ? NO_SLOT : second);
  });

  test("while many processes with it linger finds the newest, and each by its start", () => {
    const table = new Table();
    const slots = Array.from({ length: 50 }, (_, i) => {
      table.forked({ pid: 100, start_ns: BigInt(i + 1), comm: `p${i}` });
      return table.exited({ pid: 100, start_ns: BigInt(i + 1), ts_ns: i, comm: `p${i}` });
    });
    expect(new Set(slots).size).toBe(50);
    expect(table.find(100)).toBe(slots[49] as number);
    slots.forEach((slot, i) => {
      expect(table.exited({ pid: 100, start_ns: BigInt(i + 1), comm: `p${i}` })).toBe(slot);
    });
    expect(table.lingering).toBe(50);
  });

  test("as a parent is the newest process with it", () => {
    const table = new Table();
    table.execed({ pid: 1, start_ns: 1n, exe: "/bin/old" });
    table.exited({ pid: 1, start_ns: 1n, ts_ns: 2 });
    table.execed({ pid: 1, start_ns: 3n, exe: "/bin/new" });
    expect(table.exe(table.forked({ pid: 2, start_ns: 4n, ppid: 1 }))).toBe("/bin/new");
  });
});

describe("a backend without start times", () => {
  const flags = KNOWN_PPID | KNOWN_CGROUP;

  test("finds fork, exec and exit of a process by its pid alone", () => {
    const table = new Table();
    const slot = table.forked({ pid: 100, flags, ppid: 1, ts_ns: 5 });
    expect(table.execed({ pid: 100, flags: flags | EXEC_KNOWN, exe: "/bin/true" })).toBe(slot);
    expect(table.exited({ pid: 100, flags, ts_ns: 10 })).toBe(slot);
    expect([table.live, table.lingering, table.lostExits]).toEqual([0, 1, 0]);
  });

  test("treats the next event of a pid after an exit as another process", () => {
    const table = new Table();
    const first = table.forked({ pid: 100, flags, ts_ns: 5 });
    table.exited({ pid: 100, flags, ts_ns: 10 });
    const second = table.forked({ pid: 100, flags, ts_ns: 15 });
    expect(second).not.toBe(first);
    expect(table.findLive(100)).toBe(second);
    expect([table.live, table.lingering, table.lostExits]).toEqual([1, 1, 0]);
  });

  test("treats a second fork of a pid, whose exit was lost, as another process with the image of its parent", () => {
    const table = new Table();
    table.execed({ pid: 1, flags: KNOWN_EXE, exe: "/bin/parent" });
    const first = table.forked({ pid: 100, flags, ppid: 1, ts_ns: 5 });
    table.execed({ pid: 100, flags: flags | KNOWN_EXE, exe: "/bin/first" });
    const second = table.forked({ pid: 100, flags, ppid: 1, ts_ns: 50 });
    expect(second).not.toBe(first);
    expect(table.exe(second)).toBe("/bin/parent");
    expect(table.bornNs(second)).toBe(50);
    expect(table.exe(first)).toBe("/bin/first");
    expect([table.isLive(first), table.lostExits]).toEqual([false, 1]);
  });

  test("does not treat a fork after its own exec, out of order, as another process", () => {
    const table = new Table();
    const slot = table.execed({ pid: 100, flags: KNOWN_EXE, ts_ns: 10, exe: "/bin/true" });
    expect(table.forked({ pid: 100, flags, ppid: 1, ts_ns: 5 })).toBe(slot);
    expect(table.exe(slot)).toBe("/bin/true");
    expect(table.lostExits).toBe(0);
  });

  test("finds the process that was seeded with a start time", () => {
    const table = new Table();
    const slot = table.seeded({ pid: 100, start_ns: 77n });
    expect(table.execed({ pid: 100, flags: KNOWN_EXE, exe: "/bin/true" })).toBe(slot);
    expect(table.exited({ pid: 100, flags: 0, ts_ns: 9 })).toBe(slot);
    expect(table.startLow(slot)).toBe(77);
  });
});

describe("seeding", () => {
  test("adds processes without an event, and does not change processes with one", () => {
    const table = new Table();
    const known = table.execed({ pid: 1, start_ns: 1n, comm: "by event", exe: "/bin/event" });
    expect(table.seeded({ pid: 1, start_ns: 1n, comm: "by list" })).toBe(known);
    expect(table.comm(known)).toBe("by event");
    const listed = table.seeded({ pid: 2, start_ns: 2n, ppid: 1, comm: "by list" });
    expect(table.findLive(2)).toBe(listed);
    expect(table.bornNs(listed)).toBeUndefined();
    // A seed is no fork, so the image comes from /proc, not from the parent.
    expect(table.image(listed)).toBe(NO_IMAGE);
    expect(table.live).toBe(2);
  });

  test("finds the seeded process for its later events", () => {
    const table = new Table();
    const slot = table.seeded({ pid: 2, start_ns: 2n, comm: "sh" });
    expect(table.forked({ pid: 2, start_ns: 2n, ts_ns: 3, comm: "sh" })).toBe(slot);
    expect(table.execed({ pid: 2, start_ns: 2n, exe: "/bin/true" })).toBe(slot);
    expect(table.exited({ pid: 2, start_ns: 2n, ts_ns: 9 })).toBe(slot);
    expect(table.seeded({ pid: 2, start_ns: 2n })).toBe(slot);
    expect(table.isLive(slot)).toBe(false);
  });

  test("from /proc, without an exact start, gets the start from the next event that has it", () => {
    const table = new Table();
    const slot = table.seeded({ pid: 2, flags: KNOWN_PPID, ppid: 1, comm: "sh" });
    expect(table.execed({ pid: 2, start_ns: 0x1_0000_0002n, exe: "/bin/true" })).toBe(slot);
    expect([table.startHigh(slot), table.startLow(slot)]).toEqual([1, 2]);
    // Now an event with another start is of another process.
    expect(table.forked({ pid: 2, start_ns: 0x1_0000_0003n })).not.toBe(slot);
    expect(table.lostExits).toBe(1);
  });

  test("from /proc again finds the same process if its start is already known", () => {
    const table = new Table();
    const slot = table.forked({ pid: 2, start_ns: 2n });
    expect(table.seeded({ pid: 2, flags: KNOWN_PPID })).toBe(slot);
    expect(table.startLow(slot)).toBe(2);
  });
});

describe("processes that ended without an exit event", () => {
  test("are marked as ended by reconcileGone(), counted as lost exits, and linger like others", () => {
    const table = new Table({ lingerNs: 10 });
    const slot = table.execed({ pid: 1, start_ns: 1n, exe: "/bin/true" });
    table.reconcileGone(slot, 100);
    table.reconcileGone(slot, 100);
    expect([table.live, table.lingering, table.lostExits]).toEqual([0, 1, 1]);
    expect(table.exe(slot)).toBe("/bin/true");
    // The exit event arrives late.
    expect(table.exited({ pid: 1, start_ns: 1n, ts_ns: 99 })).toBe(slot);
    table.expire(111);
    expect([table.lingering, table.images.count]).toEqual([0, 0]);
  });

  test("are not in liveSlots()", () => {
    const table = new Table();
    const slots = [1, 2, 3, 4].map((pid) => table.forked({ pid, start_ns: BigInt(pid) }));
    table.exited({ pid: 2, start_ns: 2n });
    table.reconcileGone(slots[3] as number, 1);
    expect([...table.liveSlots()]).toEqual([slots[0] as number, slots[2] as number]);
  });
});

describe("lingering", () => {
  test("ends by time, in the order of the exits", () => {
    const table = new Table({ lingerNs: 100 });
    for (let pid = 1; pid <= 10; pid++) table.exited({ pid, start_ns: BigInt(pid), ts_ns: 10 * pid });
    table.expire(110);
    expect(table.lingering).toBe(10);
    table.expire(151);
    expect(table.lingering).toBe(5);
    expect([1, 5, 6, 10].map((pid) => table.find(pid) !== NO_SLOT)).toEqual([false, false, true, true]);
    table.expire(1000);
    expect(table.lingering).toBe(0);
    table.expire(1000);
    table.exited({ pid: 11, start_ns: 11n, ts_ns: 2000 });
    table.expire(2000);
    expect(table.lingering).toBe(1);
  });

  test("ends at once above the maximum count, the oldest first", () => {
    const table = new Table({ lingerNs: 1e18, lingerMax: 3 });
    for (let pid = 1; pid <= 10; pid++) {
      table.exited({ pid, start_ns: BigInt(pid), ts_ns: pid });
      expect(table.lingering).toBe(Math.min(pid, 3));
    }
    expect([7, 8, 9, 10].map((pid) => table.find(pid) !== NO_SLOT)).toEqual([false, true, true, true]);
  });

  test("keeps at least the latest exited process, whose event is being written", () => {
    const table = new Table({ lingerNs: 0, lingerMax: 0 });
    table.execed({ pid: 1, start_ns: 1n, exe: "/bin/first" });
    table.exited({ pid: 1, start_ns: 1n, ts_ns: 5 });
    const slot = table.execed({ pid: 2, start_ns: 2n, exe: "/bin/second" });
    expect(table.exited({ pid: 2, start_ns: 2n, ts_ns: 6 })).toBe(slot);
    expect(table.exe(slot)).toBe("/bin/second");
    expect([table.lingering, table.find(1)]).toEqual([1, NO_SLOT]);
  });

  test("never ends live processes", () => {
    const table = new Table({ lingerNs: 0, lingerMax: 0 });
    const slot = table.forked({ pid: 1, start_ns: 1n });
    table.expire(1e18);
    expect(table.findLive(1)).toBe(slot);
  });
});

describe("redactKnown", () => {
  const redact = redactorOf({ redact: true, patterns: ["password=(\\S+)"] });

  test("hides the arguments of live and exited processes, also in an image that a fork shares", () => {
    const table = new Table();
    const live = table.execed({ pid: 1, exe: "/bin/a", args: ["a", "--password=hunter2", "-v"] });
    const child = table.forked({ pid: 2, ppid: 1, flags: KNOWN_PPID });
    const other = table.execed({ pid: 3, exe: "/bin/b", args: ["b", "-v"] });
    const gone = table.execed({ pid: 4, exe: "/bin/c", args: ["c", "password=hunter2"] });
    table.exited({ pid: 4 });
    const { generation } = table;
    table.redactKnown(redact);
    const text = (slot: number) => [table.images.exeText(table.image(slot)), table.images.argsText(table.image(slot))];
    expect(text(live)).toEqual(["/bin/a", ["a", "--password=[redacted]", "-v"]]);
    expect(table.image(child)).toBe(table.image(live));
    expect(text(other)).toEqual(["/bin/b", ["b", "-v"]]);
    expect(text(gone)).toEqual(["/bin/c", ["c", "password=[redacted]"]]);
    expect(table.images.count).toBe(3);
    expect(table.generation).toBeGreaterThan(generation);
    expect(text(table.execed({ pid: 3, exe: "/bin/d", args: ["d", "password=x"] }))[1]).toEqual([
      "d",
      "password=[redacted]",
    ]);
  });

  test("hides whole arguments if matching takes too long", () => {
    const table = new Table();
    const args = ["x", `--password=hunter2${"password=".repeat(100)}`, "-v"];
    const slots = Array.from({ length: 3000 }, (_, i) => table.execed({ pid: 10 + i, exe: "/bin/x", args }));
    table.redactKnown(redact);
    const texts = slots.map((slot) => table.images.argsText(table.image(slot))?.join(" ") ?? "");
    expect(texts.filter((text) => text.includes("hunter2"))).toEqual([]);
    expect(texts.at(-1)).toBe("x [redacted] [redacted]");
    expect(table.images.count).toBe(3000);
  });

  test("keeps redacted arguments redacted when it is switched off", () => {
    const table = new Table();
    table.redactKnown(redact);
    const slot = table.execed({ pid: 1, exe: "/bin/a", args: ["a", "password=hunter2"] });
    table.redactKnown(undefined);
    expect(table.images.argsText(table.image(slot))).toEqual(["a", "password=[redacted]"]);
    expect(table.images.argsText(table.image(table.execed({ pid: 1, exe: "/a", args: ["password=x"] })))).toEqual([
      "password=x",
    ]);
  });
});

describe("growth", () => {
  test("keeps a hundred thousand processes findable, also with pids that share buckets", () => {
    const table = new Table({ lingerNs: 1, lingerMax: 1e9 });
    const count = 100_000;
    const pidOf = (i: number) => (i % 2 === 0 ? i : 2 ** 20 + i * 256) + 1;
    for (let i = 0; i < count; i++) table.forked({ pid: pidOf(i), start_ns: BigInt(i), comm: `c${i}`, ppid: i });
    expect(table.live).toBe(count);
    for (let i = 0; i < count; i++) {
      const slot = table.findLive(pidOf(i));
      if (slot === NO_SLOT || table.comm(slot) !== `c${i}` || table.ppid(slot) !== i) throw new Error(`${i} is wrong`);
    }
    for (let i = 0; i < count; i++) table.exited({ pid: pidOf(i), start_ns: BigInt(i), ts_ns: i });
    expect([table.live, table.lingering]).toEqual([0, count]);
    table.expire(1e9);
    expect(table.lingering).toBe(0);
    for (let i = 0; i < count; i += 997) expect(table.find(pidOf(i))).toBe(NO_SLOT);
  });

  test.each([1023, 1024, 1025, 5000])("keeps the newest process of a pid first, with %i of them", (count) => {
    const table = new Table({ lingerMax: 1e9 });
    // Three pids of the same bucket, for any table size.
    const pids = [5, 5 + 2 ** 20, 5 + 2 ** 21];
    for (let i = 0; i < count; i++) {
      for (const pid of pids) {
        table.forked({ pid, start_ns: BigInt(i + 1), comm: `g${i}` });
        if (i < count - 1) table.exited({ pid, start_ns: BigInt(i + 1), ts_ns: i, comm: `g${i}` });
      }
      // Other processes, so that the table grows at any point between them.
      for (let other = 0; other <= i % 3; other++) table.forked({ pid: 10_000 + 3 * i + other, start_ns: 1n });
      for (const pid of pids) if (table.comm(table.find(pid)) !== `g${i}`) throw new Error(`an older one than ${i}`);
    }
    for (const pid of pids) {
      expect(table.comm(table.find(pid))).toBe(`g${count - 1}`);
      expect(table.findLive(pid)).toBe(table.find(pid));
    }
    table.expire(1e18);
    for (const pid of pids) expect(table.comm(table.findLive(pid))).toBe(`g${count - 1}`);
    expect(table.lingering).toBe(0);
  });

  test("does not happen if slots can be reused", () => {
    const table = new Table({ lingerNs: 0, lingerMax: 100 });
    let highest = 0;
    for (let i = 0; i < 20_000; i++) {
      const slot = table.execed({ pid: 1 + (i % 30_000), start_ns: BigInt(i), exe: "/bin/true" });
      highest = Math.max(highest, slot);
      table.exited({ pid: 1 + (i % 30_000), start_ns: BigInt(i), ts_ns: i });
      if (i % 50 === 0) table.expire(i + 1);
    }
    expect(highest).toBeLessThan(200);
    table.expire(1e9);
    expect(table.images.count).toBe(0);
  });
});
