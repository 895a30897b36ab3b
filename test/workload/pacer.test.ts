import { describe, expect, test } from "bun:test";
import { Pacer } from "../../src/workload/pacer.ts";

const MS = 1e6;

/** Takes every slot that a loop gets if it wakes at these times. */
function takeAll(pacer: Pacer, wakeNs: Iterable<number>): number[] {
  const due: number[] = [];
  for (const now of wakeNs)
    for (let slot = pacer.take(now); !Number.isNaN(slot); slot = pacer.take(now)) due.push(slot);
  return due;
}

function* every(stepNs: number, untilNs: number): Generator<number> {
  for (let now = 0; now <= untilNs; now += stepNs) yield now;
}

describe("Pacer", () => {
  test("slots are due at i / rate after the start, independent of when they are taken", () => {
    const pacer = new Pacer(100, 5 * MS, 250 * MS);
    expect(pacer.take(4.9 * MS)).toBeNaN();
    expect(pacer.take(5 * MS)).toBe(5 * MS);
    expect(pacer.take(14 * MS)).toBeNaN();
    expect(pacer.nextNs).toBe(15 * MS);
    expect(pacer.take(21 * MS)).toBe(15 * MS);
    expect(pacer.take(25 * MS)).toBe(25 * MS);
  });

  test("a loop that always wakes a little late loses no slot", () => {
    const due = takeAll(new Pacer(1000, 0, 250 * MS), every(1.37 * MS, 1000 * MS));
    expect(due.length).toBeWithin(999, 1002);
    expect(due.every((slot, i) => Math.abs(slot - i * MS) < 1)).toBe(true);
  });

  test("a rate whose period is no whole number stays exact over an hour", () => {
    const pacer = new Pacer(50_000 / 3 / 86_400, 0, 250 * MS);
    const due = takeAll(pacer, every(10 * MS, 3_600_000 * MS));
    expect(due.length).toBe(Math.floor((3600 * 50_000) / 3 / 86_400) + 1);
    expect(pacer.skipped).toBe(0);
  });

  test("a short delay is caught up at once", () => {
    const pacer = new Pacer(100, 0, 250 * MS);
    takeAll(pacer, [0]);
    expect(takeAll(pacer, [200 * MS])).toHaveLength(20);
    expect(pacer.skipped).toBe(0);
  });

  test("a long delay is caught up only to the bound, and skipped slots are counted", () => {
    const pacer = new Pacer(100, 0, 250 * MS);
    takeAll(pacer, [0]);
    const due = takeAll(pacer, [10_000 * MS]);
    expect(due[0]).toBe(9_750 * MS);
    expect(due).toHaveLength(26);
    expect(pacer.skipped).toBe(974);
    expect(1 + due.length + pacer.skipped).toBe(1001);
    expect(pacer.nextNs).toBe(10_010 * MS);
  });

  test("slots that were due at the end and never taken count as skipped", () => {
    const pacer = new Pacer(100, 0, 250 * MS);
    takeAll(pacer, [35 * MS]);
    pacer.close(39 * MS);
    expect(pacer.skipped).toBe(0);
    pacer.close(100 * MS);
    expect(pacer.skipped).toBe(7);
    pacer.close(100 * MS);
    expect(pacer.skipped).toBe(7);
  });

  test("with jitter each slot is due at a random time within its own period", () => {
    const shifts = [0.5, 0, 0.99, 0.25];
    let next = 0;
    const pacer = new Pacer(100, 5 * MS, 250 * MS, () => shifts[next++ % shifts.length] as number);
    expect(pacer.take(9.9 * MS)).toBeNaN();
    expect(takeAll(pacer, every(0.1 * MS, 45 * MS))).toEqual([10 * MS, 15 * MS, 34.9 * MS, 37.5 * MS]);
    expect(pacer.nextNs).toBe(50 * MS);
    pacer.close(1005 * MS);
    expect(pacer.skipped).toBeWithin(95, 97);
  });

  test("at rate 0 (full speed) a slot is always due and never late", () => {
    const pacer = new Pacer(0, 0, 250 * MS);
    expect(pacer.take(1)).toBe(1);
    expect(pacer.take(1)).toBe(1);
    expect(pacer.take(9e12)).toBe(9e12);
    pacer.close(9e13);
    expect(pacer.skipped).toBe(0);
  });
});
