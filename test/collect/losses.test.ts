import { describe, expect, test } from "bun:test";
import { Losses } from "../../src/collect/losses.ts";
import { exactBoottimeNs } from "../../src/libbpf/clock.ts";
import { WallClock } from "../../src/process/wall-clock.ts";
import type { LostEvent } from "../../src/wire/event.ts";

/** Counts what it is given. */
class Counter {
  readonly #lost = new Map<number, number>();

  lose(cpu: number, count: number): void {
    this.#lost.set(cpu, (this.#lost.get(cpu) ?? 0) + count);
  }

  lostByCpu(): { cpu: number; lost: number }[] {
    return [...this.#lost].map(([cpu, lost]) => ({ cpu, lost }));
  }
}

function newLosses() {
  const events = new Counter();
  const faults = new Counter();
  const losses = new Losses([events, faults]);
  const told = () => {
    const all: LostEvent[] = [];
    losses.tell(new WallClock(0n), (event) => all.push(event));
    return all.map(({ type, cpu, count }) => ({ type, cpu, count }));
  };
  return { events, faults, losses, told };
}

describe("losses", () => {
  test("are the sum of what every counter lost, by CPU", () => {
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

  test("are told with the time at which they were found", () => {
    const { events, losses } = newLosses();
    events.lose(0, 1);
    const before = exactBoottimeNs();
    const all: LostEvent[] = [];
    losses.tell(new WallClock(0n), (event) => all.push(event));
    const [{ time, ts_ns } = { time: "", ts_ns: 0n }] = all;
    expect(ts_ns).toBeGreaterThan(before);
    expect(ts_ns).toBeLessThan(exactBoottimeNs());
    expect(time).toEndWith(`.${String(ts_ns).slice(-9)}Z`);
  });

  test("are told once, and as many in all as were lost", () => {
    const { events, faults, told } = newLosses();
    expect(told()).toEqual([]);
    events.lose(0, 3);
    faults.lose(0, 1);
    expect(told()).toEqual([{ type: "lost", cpu: 0, count: 4 }]);
    expect(told()).toEqual([]);
    faults.lose(0, 2);
    events.lose(2, 9);
    expect(told()).toEqual([
      { type: "lost", cpu: 0, count: 2 },
      { type: "lost", cpu: 2, count: 9 },
    ]);
  });
});
