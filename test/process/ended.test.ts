import { describe, expect, test } from "bun:test";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { redactorOf } from "../../src/process/redact.ts";
import { ProcessTable } from "../../src/process/table.ts";
import type { EndedEvent } from "../../src/wire/event.ts";
import { ARGS_CUT, EXE_CUT, IMAGE_HERE, KNOWN_EXEC_COUNT, KNOWN_PPID, MISSED_EXEC } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import {
  argumentBytes,
  type Ended,
  EXEC_KNOWN,
  endedRecord,
  HEAD_KNOWN,
  pathComponents,
  sampleRecord,
} from "../wire/make-record.ts";
import { eventOf } from "./event-of.ts";

function started() {
  const table = new ProcessTable({ lingerNs: 1e18 });
  const view = new EventView(table, new WallClock(0n));
  const end = (fields: Ended): EndedEvent => {
    view.accept(recordIn(endedRecord(fields)));
    return eventOf<EndedEvent>(view);
  };
  /** Enters a process as a list or scan reports it. */
  const scanned = (pid: number, start_ns: bigint, args: string) => {
    const slot = table.refresh(recordIn(sampleRecord({ pid, start_ns, ppid: 1 })));
    table.setImage(slot, Buffer.from("/bin/scanned"), argumentBytes(args));
    return slot;
  };
  return { table, view, end, scanned };
}

const IMAGE = { exe: pathComponents("/bin/last"), args: argumentBytes("last", "of it") };
const WITH_IMAGE = EXEC_KNOWN | IMAGE_HERE | KNOWN_EXEC_COUNT;

describe("a process that is reported only at its end", () => {
  test("has the image of its record, and stays in the table as ended", () => {
    const { table, end } = started();
    const line = end({ pid: 7, ppid: 3, start_ns: 5n, ts_ns: 50n, flags: WITH_IMAGE, exec_count: 2, ...IMAGE });
    expect(line).toMatchObject({ type: "process", pid: 7, ppid: 3, exe: "/bin/last", args: ["last", "of it"] });
    expect(line).toMatchObject({ args_truncated: false, exec_count: 2, exit_code: 0 });
    const slot = table.find(7);
    expect([table.isLive(slot), table.exe(slot), table.args(slot)]).toEqual([false, "/bin/last", ["last", "of it"]]);
    expect([table.live, table.lingering, table.images.count]).toEqual([0, 1, 1]);
  });

  test("does not have the image of a scan before its last exec", () => {
    const { table, end, scanned } = started();
    scanned(7, 5n, "before");
    expect(end({ pid: 7, start_ns: 5n, flags: WITH_IMAGE, ...IMAGE }).args).toEqual(["last", "of it"]);
    expect(table.images.count).toBe(1);
  });

  test("has no arguments if the kernel side had no room for them, also after a scan", () => {
    const { end, scanned } = started();
    scanned(7, 5n, "scanned");
    const none = { exe: null, args: null, args_truncated: null, exe_truncated: null };
    expect(end({ pid: 7, start_ns: 5n, flags: HEAD_KNOWN | MISSED_EXEC })).toMatchObject({ ...none, exec_count: null });
    scanned(8, 6n, "scanned");
    expect(end({ pid: 8, start_ns: 6n, flags: HEAD_KNOWN | IMAGE_HERE | KNOWN_EXEC_COUNT })).toMatchObject({
      ...none,
      exec_count: 0,
    });
  });

  test("has the image read at the start if it is older than the run and executed nothing since", () => {
    const { end, scanned } = started();
    scanned(7, 5n, "older");
    expect(end({ pid: 7, start_ns: 5n })).toMatchObject({ args: ["older"], exec_count: null });
  });

  test("has the image of the older process from which it descends, live or ended", () => {
    const { table, end, scanned } = started();
    scanned(7, 5n, "older");
    const child = { start_ns: 20n, flags: HEAD_KNOWN | KNOWN_EXEC_COUNT, image_pid: 7, image_start_ns: 5n };
    expect(end({ pid: 9, ...child })).toMatchObject({ args: ["older"], exe: "/bin/scanned", exec_count: 0 });
    end({ pid: 7, start_ns: 5n });
    expect(end({ pid: 10, ...child }).args).toEqual(["older"]);
    // Another process with the pid of the image, and an unknown pid.
    scanned(7, 30n, "younger");
    expect(end({ pid: 11, ...child, image_start_ns: 6n }).args).toBeNull();
    expect(end({ pid: 12, ...child, image_pid: 99 }).args).toBeNull();
    expect(table.images.count).toBe(2);
  });

  test("has a duration from its fork if its start is unknown", () => {
    const { table, end } = started();
    const flags = KNOWN_EXEC_COUNT | KNOWN_PPID;
    expect(end({ pid: 7, ppid: 3, ts_ns: 90, born_ns: 50, flags, known: 0 })).toMatchObject({
      duration_ns: 40n,
      ppid: 3,
    });
    expect(table.birthPpid(table.find(7))).toBe(3);
    expect(end({ pid: 8, ts_ns: 90, flags, known: 0 }).duration_ns).toBeNull();
  });

  test("has redacted arguments, and marks for cut path and arguments", () => {
    const { table, end } = started();
    table.redact = redactorOf({ redact: true, patterns: [] });
    expect(end({ pid: 7, start_ns: 5n, flags: WITH_IMAGE, ...IMAGE }).args).toEqual(["last", "[redacted]"]);
    const flags = WITH_IMAGE | EXE_CUT | ARGS_CUT;
    const cut = end({ pid: 8, start_ns: 5n, flags, ...IMAGE });
    expect(cut).toMatchObject({ args_truncated: true, exe_truncated: true });
  });
});
