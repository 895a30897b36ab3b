import { describe, expect, test } from "bun:test";
import { Losses } from "../../src/collect/losses.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import type { CpuLosses } from "../../src/probes/counters.ts";
import { exactBoottimeNs } from "../../src/sys/clock.ts";
import type { LossReason, LostEvent } from "../../src/wire/event.ts";

/** A counter with values set by the test. */
class Counter {
  readonly #lost = new Map<number, CpuLosses>();
  /** How often its full counts were read. */
  looks = 0;

  lose(cpu: number, count: number, reason: LossReason = "ring_full"): void {
    const losses = this.#lost.get(cpu) ?? { cpu, ring_full: 0, no_ring: 0 };
    this.#lost.set(cpu, { ...losses, [reason]: losses[reason] + count });
  }

  lostByCpu(): CpuLosses[] {
    this.looks++;
    return [...this.#lost.values()];
  }

  lossStamp(): number {
    return [...this.#lost.values()].reduce((sum, { ring_full, no_ring }) => sum + ring_full + no_ring, 0);
  }
}

function newLosses() {
  const events = new Counter();
  const faults = new Counter();
  const losses = new Losses([events, faults]);
  const reported = () => {
    const all: LostEvent[] = [];
    losses.report(new WallClock(0n), (event) => all.push(event));
    return all.map(({ type, cpu, reason, count }) => ({ type, cpu, reason, count }));
  };
  return { events, faults, losses, reported };
}

describe("losses", () => {
  test("are the sums of all counters, by CPU", () => {
    const { events, faults, losses } = newLosses();
    expect(losses.byCpu()).toEqual([]);
    faults.lose(0, 5);
    events.lose(3, 1);
    events.lose(1, 2);
    faults.lose(3, 7);
    expect(losses.byCpu()).toEqual([
      { cpu: 0, lost: 5 },
      { cpu: 1, lost: 2 },
      { cpu: 3, lost: 8 },
    ]);
  });

  test("are reported with the time at which they were found", () => {
    const { events, losses } = newLosses();
    events.lose(0, 1);
    const before = exactBoottimeNs();
    const all: LostEvent[] = [];
    losses.report(new WallClock(0n), (event) => all.push(event));
    const [{ time, ts_ns } = { time: "", ts_ns: 0n }] = all;
    expect(ts_ns).toBeGreaterThan(before);
    expect(ts_ns).toBeLessThan(exactBoottimeNs());
    expect(time).toEndWith(`.${String(ts_ns).slice(-9)}Z`);
  });

  test("are each reported once", () => {
    const { events, faults, reported } = newLosses();
    expect(reported()).toEqual([]);
    events.lose(0, 3);
    faults.lose(0, 1);
    expect(reported()).toEqual([{ type: "lost", cpu: 0, reason: "ring_full", count: 4 }]);
    expect(reported()).toEqual([]);
    faults.lose(0, 2);
    events.lose(2, 9);
    expect(reported()).toEqual([
      { type: "lost", cpu: 0, reason: "ring_full", count: 2 },
      { type: "lost", cpu: 2, reason: "ring_full", count: 9 },
    ]);
  });

  test("are reported by reason, with exact counts", () => {
    const { events, faults, losses, reported } = newLosses();
    events.lose(1, 3, "no_ring");
    events.lose(1, 2);
    faults.lose(1, 1, "no_ring");
    expect(reported()).toEqual([
      { type: "lost", cpu: 1, reason: "ring_full", count: 2 },
      { type: "lost", cpu: 1, reason: "no_ring", count: 4 },
    ]);
    events.lose(1, 5, "no_ring");
    expect(reported()).toEqual([{ type: "lost", cpu: 1, reason: "no_ring", count: 5 }]);
    expect(losses.byCpu()).toEqual([{ cpu: 1, lost: 11 }]);
  });

  test("are read only after a loss: a report without losses is cheap", () => {
    const { events, faults, reported } = newLosses();
    for (let i = 0; i < 5; i++) expect(reported()).toEqual([]);
    expect([events.looks, faults.looks]).toEqual([0, 0]);
    faults.lose(0, 1);
    expect(reported()).toHaveLength(1);
    for (let i = 0; i < 5; i++) expect(reported()).toEqual([]);
    expect([events.looks, faults.looks]).toEqual([1, 1]);
  });
});
