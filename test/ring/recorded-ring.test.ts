import { describe, expect, test } from "bun:test";
import { PerfRing } from "../../src/ring/perf-ring.ts";
import { RingSet } from "../../src/ring/ring-set.ts";
import {
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  EXEC_EVENT,
  EXIT_EVENT,
  PROCESS_EVENT,
} from "../../src/wire/layout.gen.ts";
import { Record } from "../../src/wire/record.ts";
import { loadRing, presentLayout, recordedLayout } from "../fixtures/records/recording.ts";

/** If true, test/process/recorded-events.test.ts fails and names the command that records again. */
const isStale = !Bun.deepEquals(presentLayout(), recordedLayout());

/** The memory of the recorded ring: control page and data. */
function recordedMapping(): ArrayBuffer {
  const { head, tail, hex } = loadRing();
  const data = Buffer.from(hex, "hex");
  const page = 4096;
  const mapping = new ArrayBuffer(page + data.length);
  new BigUint64Array(mapping, 1024, 3).set([BigInt(head), BigInt(tail), BigInt(page)]);
  new Uint8Array(mapping, page).set(data);
  return mapping;
}

describe.skipIf(isStale)(`a ring that a kernel wrote${isStale ? " (of another layout)" : ""}`, () => {
  const recorded = loadRing();

  test("was written past its end, with losses", () => {
    const [head, tail, bytes] = [Number(recorded.head), Number(recorded.tail), recorded.hex.length / 2];
    expect(Math.floor(tail / bytes)).toBeLessThan(Math.floor((head - 1) / bytes));
    expect(recorded.lost).toBeGreaterThan(0);
  });

  test("contains all records that were emitted and neither lost nor read, intact and in order", () => {
    const ring = new PerfRing(recordedMapping());
    const record = new Record();
    const types = new Set<number>();
    let [count, lastNs, lastSampleNs] = [0, 0, 0];
    ring.look();
    for (; ring.find(); ring.take(), count++) {
      ring.place(record);
      const type = record.u8(PROCESS_EVENT.type);
      types.add(type);
      const size =
        type === EVENT_EXEC
          ? EXEC_EVENT.size + record.u16(EXEC_EVENT.exe_len) + record.u16(EXEC_EVENT.args_len)
          : type === EVENT_EXIT
            ? EXIT_EVENT.size
            : PROCESS_EVENT.size;
      // The kernel pads samples to a multiple of 8 bytes.
      expect(record.length - size).toBeGreaterThanOrEqual(0);
      expect(record.length - size).toBeLessThan(8);
      expect(record.u16(PROCESS_EVENT.cpu)).toBe(0);
      expect(record.u64(PROCESS_EVENT.ts_ns)).toBeGreaterThan(lastNs);
      expect(record.sampleTimeNs).toBeGreaterThan(lastSampleNs);
      expect(ring.u64(PROCESS_EVENT.ts_ns)).toBe(record.u64(PROCESS_EVENT.ts_ns));
      lastNs = record.u64(PROCESS_EVENT.ts_ns);
      lastSampleNs = record.sampleTimeNs;
    }
    expect([...types].toSorted()).toEqual([EVENT_FORK, EVENT_EXEC, EVENT_EXIT]);
    expect(ring.lost).toBe(recorded.lost);
    expect(count).toBe(recorded.emitted - recorded.lost - recorded.taken);
  });

  test("is released completely", () => {
    const mapping = recordedMapping();
    const set = new RingSet([new PerfRing(mapping)], { timestampOffset: PROCESS_EVENT.ts_ns, now: () => 0 });
    const args: string[] = [];
    set.drainAll((record) => {
      if (record.u8(PROCESS_EVENT.type) !== EVENT_EXEC) return;
      const bytes = new Uint8Array(record.u16(EXEC_EVENT.args_len));
      record.copy(EXEC_EVENT.size + record.u16(EXEC_EVENT.exe_len), bytes.length, bytes, 0);
      args.push(Buffer.from(bytes).toString());
    });
    expect(String(new BigUint64Array(mapping, 1032, 1)[0])).toBe(recorded.head);
    expect(set.lostByRing).toEqual([recorded.lost]);
    expect(set.outOfOrder).toBe(0);
    // The process that was started when there was room again.
    expect(args.at(-1)).toBe("/bin/true\0after the losses\0");
  });
});
