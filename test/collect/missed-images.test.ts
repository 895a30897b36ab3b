import { describe, expect, test } from "bun:test";
import { MissedImages } from "../../src/collect/missed-images.ts";
import { MAX_MISSED, MissedExecs } from "../../src/probes/missed-execs.ts";
import { ImageReader } from "../../src/process/image-reader.ts";
import { NO_IMAGE } from "../../src/process/image-store.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { EVENT_SAMPLE, MISSED_EXEC } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { execRecord, exitRecord, forkRecord, sampleRecord } from "../wire/make-record.ts";

const SHELL = { pid: 10, start_ns: 1n, comm: "sh", exe: "/bin/sh\0", args: "sh\0/init\0" };
const CHILD = { pid: 11, ppid: 10, start_ns: 2n, comm: "sh" };

function parts(listed: () => Uint32Array | "all") {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const calls: string[] = [];
  const onList = new Set<number>();
  const missed = {
    list: listed,
    has: (pid: number) => onList.has(pid),
    forget: (pid: number) => calls.push(`forget ${pid}`),
  };
  const reader = {
    beginLater: (slot: number) => calls.push(`begin ${table.pid(slot)}`),
    beginAgain: (slot: number) => calls.push(`again ${table.pid(slot)}`),
    readSoon: () => calls.push("read"),
  };
  const images = new MissedImages(table, missed as never, reader as never);
  table.exec(recordIn(execRecord(SHELL)));
  table.fork(recordIn(forkRecord(CHILD)));
  const args = (pid: number) => table.args(table.find(pid));
  return { table, calls, onList, images, args };
}

describe("a lost exec", () => {
  test("hides the old image of its process, which is read again", () => {
    const { calls, images, args } = parts(() => Uint32Array.of(11, 99));
    expect(args(11)).toEqual(["sh", "/init"]);
    images.look();
    expect([args(10), args(11)]).toEqual([["sh", "/init"], null]);
    // The process is removed from the list before the reading: an exec in between puts it on the list again.
    expect(calls).toEqual(["forget 11", "again 11", "read"]);
  });

  test("may be of any process: then no known image is valid", () => {
    const { calls, images, args } = parts(() => "all");
    images.look();
    expect([args(10), args(11)]).toEqual([null, null]);
    expect(calls.filter((call) => call.startsWith("again"))).toEqual(["again 10", "again 11"]);
  });

  test("of an unknown process does not hide other listed processes", () => {
    const strangers = Uint32Array.from({ length: MAX_MISSED }, (_, i) => 1000 + i);
    const { calls, images } = parts(() => strangers);
    images.look();
    expect(calls.filter((call) => call.startsWith("forget"))).toHaveLength(MAX_MISSED);
  });

  test("is recognized by a new name in a sample", () => {
    const { table, calls, onList, args } = parts(() => new Uint32Array(0));
    const renamed = () => table.refresh(recordIn(sampleRecord({ ...CHILD, comm: "sleep" })));
    renamed();
    // The process has renamed itself: the arguments are those of its exec.
    expect([args(11), calls]).toEqual([["sh", "/init"], []]);
    onList.add(11);
    table.refresh(recordIn(sampleRecord(CHILD)));
    expect(args(11)).toBeNull();
    expect(calls).toEqual(["forget 11", "again 11"]);
  });

  test("also hides the image after its process has exited", () => {
    const { table, args } = parts(() => new Uint32Array(0));
    table.exit(recordIn(exitRecord({ ...CHILD, known: MISSED_EXEC })));
    expect(args(11)).toBeNull();
    expect(table.image(table.find(11))).toBe(NO_IMAGE);
  });

  test("a process without an event is looked up when a sample shows it", () => {
    const { table, calls } = parts(() => new Uint32Array(0));
    table.refresh(recordIn(sampleRecord({ pid: 20, start_ns: 3n, comm: "new" })));
    expect(calls).toEqual(["begin 20"]);
    expect(EVENT_SAMPLE).toBeGreaterThan(0);
  });

  test("many such processes in one scan: no event is emitted during a sample", async () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    let drains = 0;
    // Each process uses so much that a batch of reads has room for few processes.
    const reader = new ImageReader({ table, maxBytes: 128 * 1024, drain: () => void drains++ });
    const missed = { list: () => new Uint32Array(0), has: () => false, forget: () => {} };
    expect(new MissedImages(table, missed, reader)).toBeDefined();
    const children = Array.from({ length: 20 }, () => Bun.spawn(["sleep", "600"]));
    try {
      for (const { pid } of children) table.refresh(recordIn(sampleRecord({ pid, flags: 0, comm: "sleep" })));
      expect(drains).toBe(0);
      reader.poll();
      expect(drains).toBeGreaterThan(0);
    } finally {
      for (const child of children) child.kill();
    }
  });
});

describe("the kernel side's list", () => {
  const none = { fork: 0, exec: 0, exit: 0 };

  test("is not read for one process while nothing was lost or filtered", () => {
    const missed = new MissedExecs(-1, {
      counts: () => ({ lost_by_type: none, filtered: none, folded: none, suppressed: none }),
      skipped: () => 0,
    });
    expect([missed.mayBeAny(), missed.has(1)]).toEqual([false, false]);
  });

  test("does not have execs whose program the kernel skipped: they may be of any process", () => {
    let skipped = 0;
    const missed = new MissedExecs(-1, {
      counts: () => ({ lost_by_type: none, filtered: none, folded: none, suppressed: none }),
      skipped: () => skipped,
    });
    // The map does not exist, as if the kernel refuses to read it.
    expect(missed.list()).toHaveLength(0);
    skipped = 1;
    expect([missed.list(), missed.list().length]).toEqual(["all", 0]);
  });

  test("stands for any process if the kernel refuses to read it, once for each loss", () => {
    let exec = 0;
    const counts = () => ({ lost_by_type: { ...none, exec }, filtered: none, folded: none, suppressed: none });
    const missed = new MissedExecs(-1, { counts, skipped: () => 0 });
    exec = 3;
    expect([missed.list(), missed.list().length]).toEqual(["all", 0]);
    exec = 4;
    expect(missed.list()).toBe("all");
  });

  test("also has processes whose exec was only counted", () => {
    const forgotten: number[] = [];
    const missed = new MissedExecs(-1, {
      counts: () => ({ lost_by_type: none, filtered: none, folded: none, suppressed: { ...none, exec: 2 } }),
      skipped: () => 0,
      suppressed: {
        missed: () => [7, 9],
        hasMissed: (pid) => pid === 7 || pid === 9,
        forget: (pid) => forgotten.push(pid),
      },
    });
    expect([missed.mayBeAny(), missed.has(7), missed.has(8)]).toEqual([true, true, false]);
    expect([...missed.list()]).toEqual([7, 9]);
    missed.forget(9);
    expect(forgotten).toEqual([9]);
  });
});
