import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Books } from "../../src/groups/books.ts";
import { keepsIrqApart } from "../../src/groups/irq-apart.ts";
import type { MachineTime } from "../../src/procfs/machine-time.ts";

const ZERO: MachineTime = {
  nowNs: 0,
  cpus: 2,
  idleNs: 0,
  iowaitNs: 0,
  stealNs: 0,
  irqNs: 0,
  softirqNs: 0,
  countedNs: 0,
};

test("busy time is elapsed time without idle, iowait and steal; busy time of no group is unexplained", () => {
  const books = new Books(() => false);
  books.balance(ZERO, 500, 0);
  expect(books.busyNs).toBe(0);
  books.balance({ ...ZERO, nowNs: 1000, idleNs: 700, iowaitNs: 100, stealNs: 200, irqNs: 50 }, 900, 0);
  expect(books.busyNs).toBe(1000);
  expect(books.remainders).toEqual({});
  expect(books.unexplainedNs).toBe(100);
});

test("interrupt time is a kind of its own if the kernel does not count it for processes", () => {
  const books = new Books(() => true);
  books.balance(ZERO, 0, 0);
  books.balance({ ...ZERO, nowNs: 1000, irqNs: 100, softirqNs: 300 }, 1500, 50);
  expect(books.remainders).toEqual({ irq: 350 });
  expect(books.unexplainedNs).toBe(150);
});

test("no figure falls, also if idle time in /proc/stat is too large or stops", () => {
  const books = new Books(() => false);
  books.balance(ZERO, 0, 0);
  books.balance({ ...ZERO, nowNs: 1000, idleNs: 1500 }, 400, 0);
  expect([books.busyNs, books.unexplainedNs]).toEqual([500, 100]);
  // More idle time than elapsed time is subtracted from later busy time, which is at least the time of the groups.
  books.balance({ ...ZERO, nowNs: 2000, idleNs: 3600 }, 450, 0);
  expect([books.busyNs, books.unexplainedNs]).toEqual([550, 100]);
  books.balance({ ...ZERO, nowNs: 3000, idleNs: 5000 }, 900, 0);
  expect([books.busyNs, books.unexplainedNs]).toEqual([1000, 100]);
  // A CPU went offline: its idle time stands still.
  books.balance({ ...ZERO, nowNs: 4000, cpus: 1, idleNs: 5000, countedNs: 300 }, 1150, 0);
  expect([books.busyNs, books.unexplainedNs]).toEqual([1300, 150]);
});

test("busy time is the sum of its parts at each reading, and no part falls, also if the groups are ahead", () => {
  const books = new Books(() => true);
  let [time, groupsNs] = [ZERO, 0];
  let before = [0, 0, 0];
  books.balance(time, groupsNs, 0);
  for (let look = 1; look <= 1000; look++) {
    // Time of groups is exact to the nanosecond; /proc/stat has steps of 10 ms and is a little off.
    const [busyNs, irqNs] = [Math.floor(Math.random() * 2e8), 1e7 * Math.floor(2 * Math.random())];
    groupsNs += busyNs;
    const idleNs = 1e7 * Math.round((look * 2e9 - groupsNs) / 1e7 + 2 * Math.random() - 1);
    time = { ...time, nowNs: look * 1e9, idleNs, softirqNs: time.softirqNs + irqNs };
    books.balance(time, groupsNs, Math.floor((irqNs * Math.random()) / 2));
    const now = [books.busyNs, books.remainders.irq as number, books.unexplainedNs];
    expect(groupsNs + (now[1] as number) + (now[2] as number)).toBe(now[0] as number);
    for (const [at, value] of now.entries()) expect(value).toBeGreaterThanOrEqual(before[at] as number);
    before = now;
  }
});

test("the name of a struct member is found anywhere in BTF, also across the bounds of reads", () => {
  const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
  const path = join(directory, "btf");
  const member = "prev_irq_time\0";
  for (const [before, found] of [
    [10, true],
    [256 * 1024 - 5, true],
    [600_000, false],
  ] as const) {
    writeFileSync(path, Buffer.concat([Buffer.alloc(before, "x"), Buffer.from(found ? member : "prev_irq_tim\0")]));
    expect(keepsIrqApart(path)).toBe(found);
  }
  expect(keepsIrqApart(join(directory, "none"))).toBe(false);
  rmSync(directory, { recursive: true });
});
