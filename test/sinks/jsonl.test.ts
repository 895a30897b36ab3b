import { describe, expect, test } from "bun:test";
import { ByteWriter, jsonText } from "../../src/json/byte-writer.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { JsonEncoder, JsonlSink } from "../../src/sinks/jsonl.ts";
import { NoneSink } from "../../src/sinks/none.ts";
import { Prng } from "../../src/stats/prng.ts";
import { COMM_LEN, EXE_WHOLE } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { lineOf } from "../process/event-of.ts";
import {
  ALL_FLAGS,
  argumentBytes,
  EXIT_KNOWN,
  execRecord,
  exitRecord,
  forkRecord,
  type Head,
  pathComponents,
  subsets,
} from "../wire/make-record.ts";
import { expectedLine } from "./expected-line.ts";
import { outputText } from "./output-text.ts";
import { randomRecord } from "./random-record.ts";
import { SUMMARY } from "./summary.ts";

const OFFSET_NS = 1_790_000_000_123_456_789n;

function newView(): EventView {
  return new EventView(new ProcessTable({ lingerNs: 1e18 }), new WallClock(OFFSET_NS));
}

describe("a line equals the expected line", () => {
  test("for random records of every type, with any flags and known bits", () => {
    for (let seed = 0; seed < 20; seed++) {
      const prng = new Prng(seed);
      const view = newView();
      const encoder = new JsonEncoder();
      for (let i = 0; i < 400; i++) {
        const record = recordIn(randomRecord(prng));
        record.sampleTimeNs = prng.index(2) * Math.floor(2 ** (prng.float() * 53));
        view.accept(record);
        const line = lineOf(view, encoder);
        const expected = expectedLine(view);
        if (line !== expected) throw new Error(`seed ${seed}, record ${i}:\n${line}\nnot\n${expected}`);
        JSON.parse(line);
        if (Buffer.from(line).some((byte) => byte < 0x20)) throw new Error(`a control character in ${line}`);
      }
    }
  });

  test("for every combination of flags, of a process with and without earlier events", () => {
    const view = newView();
    for (const flags of subsets(ALL_FLAGS)) {
      for (const known of subsets(EXIT_KNOWN)) {
        const head: Head = { flags, pid: flags % 7, ppid: 3, ns_pid: 5, start_ns: 9n, ts_ns: 10n, cgroup_id: 11n };
        const exe = flags & EXE_WHOLE ? "/bin/x\0" : pathComponents("/bin/x");
        for (const record of [
          forkRecord(head),
          execRecord({ ...head, exe, args: argumentBytes("x") }),
          exitRecord({ ...head, known, status: known & 0xffff }),
        ]) {
          view.accept(recordIn(record));
          const line = lineOf(view);
          const expected = expectedLine(view);
          if (line !== expected) throw new Error(`flags ${flags}, known ${known}:\n${line}\nnot\n${expected}`);
        }
      }
    }
  });

  test("after an event with the same values, or with one value changed", () => {
    const view = newView();
    const encoder = new JsonEncoder();
    const same = { pid: 7, ppid: 3, parent_start_ns: 2n ** 40n, uid: 1, gid: 2, euid: 3, egid: 4, auid: 5 };
    const changes: Partial<Head>[] = [
      { parent_start_ns: 2n ** 41n },
      { parent_start_ns: 2n ** 40n + 1n },
      ...["uid", "gid", "euid", "egid", "auid"].map((name) => ({ [name]: 2 ** 32 - 2 })),
    ];
    for (const flags of [0, ALL_FLAGS]) {
      for (const change of [{}, {}, ...changes.flatMap((each) => [each, {}, { ...each, flags: 0 }])]) {
        view.accept(recordIn(forkRecord({ flags, ...same, ...change })));
        expect(lineOf(view, encoder)).toBe(expectedLine(view));
      }
    }
  });

  test("if every field has its maximum length", () => {
    const view = newView();
    const most = 2n ** 64n - 1n;
    const head: Head = {
      flags: ALL_FLAGS,
      cpu: 65535,
      pid: 2 ** 32 - 1,
      ppid: 2 ** 32 - 1,
      ns_pid: 2 ** 32 - 1,
      uid: 2 ** 32 - 1,
      gid: 2 ** 32 - 1,
      ts_ns: most,
      start_ns: 2n ** 63n,
      cgroup_id: most,
      comm: new Uint8Array(COMM_LEN).fill(1),
    };
    const exe = new Uint8Array(7000).fill(0x1b); // as one string, because ALL_FLAGS contains EXE_WHOLE
    // Control characters have the longest escapes, and empty arguments are the most arguments per byte.
    for (const args of [new Uint8Array(8000).fill(2), new Uint8Array(8000), new Uint8Array(0)]) {
      const records = [
        forkRecord(head),
        execRecord({ ...head, exe, args }),
        execRecord({ ...head, exe, args }),
        exitRecord({
          ...head,
          status: 64 | 0x80,
          utime_ns: most,
          stime_ns: most,
          runtime_ns: most,
          peak_rss_bytes: most,
          minor_faults: most,
          major_faults: most,
          read_bytes: most,
          write_bytes: most,
        }),
      ];
      for (const record of records) {
        view.accept(recordIn(record));
        expect(lineOf(view)).toBe(expectedLine(view));
      }
    }
  });

  test("at any start in the buffer", () => {
    const view = newView();
    view.accept(recordIn(execRecord({ pid: 1, exe: pathComponents("/bin/x"), args: new Uint8Array(400) })));
    const expected = expectedLine(view);
    const encoder = new JsonEncoder();
    for (let start = 0; start < 1500; start++) {
      const out = new ByteWriter(start);
      out.length = start;
      encoder.encode(view, out);
      if (`${Buffer.from(out.bytes).toString("utf8", start, out.length)}}` !== expected) throw new Error(`at ${start}`);
    }
  });

  test("across seconds, forwards and backwards, and after the clock was set", () => {
    const view = newView();
    const encoder = new JsonEncoder();
    for (const ts_ns of [0n, 876_543_210n, 876_543_211n, 10n ** 9n, 5n, 10n ** 17n, 10n ** 9n]) {
      view.accept(recordIn(forkRecord({ pid: 1, ts_ns })));
      expect(lineOf(view, encoder)).toBe(expectedLine(view));
    }
    view.clock.adjust(-5n);
    expect(lineOf(view, encoder)).toBe(expectedLine(view));
    expect(lineOf(view, encoder)).toContain('"time":"1970-01-01T00:00:00.999999995Z"');
  });
});

describe("JsonlSink", () => {
  test("writes a line per event in order, and the summary as the last line", () => {
    const prng = new Prng(9);
    const view = newView();
    const expected: string[] = [];
    const text = outputText((output) => {
      const sink = new JsonlSink(output);
      for (let i = 0; i < 3000; i++) {
        view.accept(recordIn(randomRecord(prng)));
        expected.push(expectedLine(view));
        sink.write(view);
        if (prng.index(100) === 0) sink.flush();
      }
      sink.finish(SUMMARY);
    });
    expected.push(JSON.stringify(SUMMARY), "");
    // Many times the size at which the sink hands its lines to the output.
    expect(text.length).toBeGreaterThan(1e6);
    expect(text === expected.join("\n")).toBe(true);
  });

  test.each([1.25, null])("writes a degraded event with exact values, cost_pct %p", (cost_pct) => {
    const degraded = {
      type: "degraded",
      time: "2026-01-02T03:04:05.000000006Z",
      ts_ns: 2n ** 60n + 1n,
      step: "fewer_samples",
      level: 1,
      reason: 'a "reason"\n',
      cost_pct,
      budget_pct: 1,
    } as const;
    const text = outputText((output) => {
      const sink = new JsonlSink(output);
      sink.notice(degraded);
      sink.flush();
    });
    expect(text).toBe(`${jsonText(degraded)}\n`);
  });

  test("writes a lost event with exact values", () => {
    const loss = {
      type: "lost",
      time: "2026-01-02T03:04:05.000000006Z",
      ts_ns: 2n ** 60n + 1n,
      cpu: 3,
      reason: "no_ring",
      count: 7,
    } as const;
    expect(
      outputText((output) => {
        const sink = new JsonlSink(output);
        sink.notice(loss);
        sink.flush();
      }),
    ).toBe(`${jsonText(loss)}\n`);
  });

  test("hands many lines to the output without flush(), and nothing if there are no lines", () => {
    const sizes: number[] = [];
    const view = newView();
    const record = execRecord({ pid: 1, args: new Uint8Array(15_000).fill(1), ts_ns: 1 });
    const text = outputText((output) => {
      const sink = new JsonlSink(output);
      const { writeFrom } = output;
      output.writeFrom = (bytes, length) => {
        sizes.push(length);
        return writeFrom.call(output, bytes, length);
      };
      sink.flush();
      expect(sizes).toEqual([]);
      for (let i = 0; i < 20; i++) {
        view.accept(recordIn(record));
        sink.write(view);
      }
      sink.flush();
      sink.flush();
    });
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThan(1024 * 1024);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(Buffer.byteLength(text));
    expect(text.trimEnd().split("\n").length).toBe(20);
  });
});

describe("NoneSink", () => {
  test("writes the summary and nothing else", () => {
    const text = outputText((output) => {
      const sink = new NoneSink(output);
      sink.write();
      sink.flush();
      sink.finish(SUMMARY);
    });
    expect(text).toBe(`${JSON.stringify(SUMMARY)}\n`);
  });
});
