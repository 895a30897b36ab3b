import { describe, expect, test } from "bun:test";
import { readBtfFeatures } from "../../src/doctor/btf.ts";
import { encodeBtf } from "./btf-encoder.ts";

const ALL = {
  processTracepoints: true,
  exitHasGroupDead: true,
  taskIterator: true,
  taskStorage: true,
  processWalk: true,
  cgroupTracepoint: true,
  bootClock: true,
  memcgAccounting: true,
  enableStats: true,
};

describe("readBtfFeatures", () => {
  test("finds every feature in a kernel that has all, in either byte order", () => {
    expect(readBtfFeatures(encodeBtf())).toEqual(ALL);
    expect(readBtfFeatures(encodeBtf({ little: false }))).toEqual(ALL);
  });

  test("finds all features except the missing one", () => {
    expect(readBtfFeatures(encodeBtf({ exitParameters: 2 }))).toEqual({ ...ALL, exitHasGroupDead: false });
    expect(readBtfFeatures(encodeBtf({ taskIterator: false }))).toEqual({ ...ALL, taskIterator: false });
    expect(readBtfFeatures(encodeBtf({ taskStorage: false }))).toEqual({ ...ALL, taskStorage: false });
    expect(readBtfFeatures(encodeBtf({ processWalk: false }))).toEqual({ ...ALL, processWalk: false });
    expect(readBtfFeatures(encodeBtf({ cgroupTracepoint: false }))).toEqual({ ...ALL, cgroupTracepoint: false });
    expect(readBtfFeatures(encodeBtf({ bootClock: false }))).toEqual({ ...ALL, bootClock: false });
    expect(readBtfFeatures(encodeBtf({ memcgAccounting: false }))).toEqual({ ...ALL, memcgAccounting: false });
    expect(readBtfFeatures(encodeBtf({ enableStats: false }))).toEqual({ ...ALL, enableStats: false });
  });

  test("reports a kernel without one of the tracepoints as lacking it", () => {
    expect(readBtfFeatures(encodeBtf({ exitParameters: 0 }))).toMatchObject({
      processTracepoints: false,
      exitHasGroupDead: null,
    });
  });

  test("reports features after an unknown kind of type as unknown", () => {
    expect(readBtfFeatures(encodeBtf({ unknownKind: true }))).toEqual({
      ...ALL,
      exitHasGroupDead: null,
      taskStorage: null,
    });
  });

  test("refuses data that is not BTF", () => {
    expect(readBtfFeatures(new Uint8Array())).toBeNull();
    expect(readBtfFeatures(new Uint8Array(1000))).toBeNull();
    const whole = encodeBtf();
    expect(readBtfFeatures(whole.subarray(0, whole.length - 1))).toBeNull();
  });

  test("survives any damage after the magic number", () => {
    const whole = encodeBtf();
    for (let at = 2; at < whole.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const damaged = whole.slice();
        damaged[at] = value;
        expect(() => readBtfFeatures(damaged)).not.toThrow();
      }
    }
  });
});
