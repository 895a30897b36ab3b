import { describe, expect, test } from "bun:test";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { JsonlSink } from "../../src/sinks/jsonl.ts";
import type { Output } from "../../src/sinks/output.ts";
import { PrettySink } from "../../src/sinks/pretty.ts";
import type { Sink } from "../../src/sinks/sink.ts";
import { EVENT_PAGE_FAULT, FAULT_WRITE, PAGE_FAULT_EVENT } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { lineOf } from "../process/event-of.ts";
import { forkRecord, HEAD_KNOWN } from "../wire/make-record.ts";
import { expectedLine } from "./expected-line.ts";
import { outputText } from "./output-text.ts";

function viewOf(address: bigint, ip: bigint, suppressed: bigint, flags: number): EventView {
  const bytes = new Uint8Array(PAGE_FAULT_EVENT.size);
  bytes.set(forkRecord({ pid: 7, ppid: 1, ns_pid: 7, uid: 0, gid: 0, ts_ns: 9n, start_ns: 5n, comm: "x" }));
  const data = new DataView(bytes.buffer);
  data.setUint8(PAGE_FAULT_EVENT.type, EVENT_PAGE_FAULT);
  data.setBigUint64(PAGE_FAULT_EVENT.address, address, true);
  data.setBigUint64(PAGE_FAULT_EVENT.ip, ip, true);
  data.setBigUint64(PAGE_FAULT_EVENT.suppressed, suppressed, true);
  data.setUint32(PAGE_FAULT_EVENT.known, HEAD_KNOWN | flags, true);
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
  view.accept(recordIn(bytes));
  return view;
}

function written(sinkOf: (output: Output) => Sink, view: EventView): string {
  return outputText((output) => {
    const sink = sinkOf(output);
    sink.write(view);
    sink.flush();
  });
}

describe("a page fault", () => {
  test("is written as a line of JSON, with exact addresses above 2^53", () => {
    const view = viewOf(2n ** 64n - 1n, 2n ** 56n + 1n, 4000n, FAULT_WRITE);
    const text = written((output) => new JsonlSink(output), view);
    expect(text).toStartWith('{"type":"page_fault","time":"1970-01-01T00:00:00.000000009Z","ts_ns":9,"cpu":0,"pid":7,');
    expect(text).toEndWith(
      `,"ns_pid":7,"address":${2n ** 64n - 1n},"ip":${2n ** 56n + 1n},"write":true,"suppressed":4000}\n`,
    );
  });

  test.each([0, FAULT_WRITE])("has the fields of the table of fields, with bits %i", (bits) => {
    const view = viewOf(2n ** 64n - 1n, 8192n, 2n ** 53n, bits);
    expect(lineOf(view)).toBe(expectedLine(view));
  });

  test("is written in columns by the pretty format", () => {
    const options = { color: false, width: () => 0 };
    const text = written((output) => new PrettySink(output, options), viewOf(4096n, 8192n, 3n, FAULT_WRITE));
    const [heading = "", line = ""] = text.split("\n");
    expect(line).toEndWith("x  write at 0x1000 by 0x2000  (3 before this suppressed)");
    expect(line.indexOf("7") + 1).toBe(heading.indexOf("PID") + 3);
  });

  test("adds no process to the table", () => {
    expect(viewOf(1n, 2n, 0n, 0).table.live).toBe(0);
  });
});
