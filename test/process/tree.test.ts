import { describe, expect, test } from "bun:test";
import { ProcessTable } from "../../src/process/table.ts";
import { NO_SLOT } from "../../src/process/table-slots.ts";
import { ancestorsOf, descendantsOf, parentOf, type Relatives } from "../../src/process/tree.ts";
import { KNOWN_PPID } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { type Exit, execRecord, exitRecord, forkRecord, type Head } from "../wire/make-record.ts";

/** A table with processes that each start 10 ns after the previous. */
class Family {
  readonly table = new ProcessTable({ lingerNs: 1e12 });
  #now = 100;

  born(pid: number, ppid: number, fields: Partial<Head> = {}): number {
    this.#now += 10;
    const times = { start_ns: BigInt(this.#now), ts_ns: this.#now };
    return this.table.fork(recordIn(forkRecord({ pid, ppid, ...times, ...fields })));
  }

  gone(slot: number, fields: Partial<Exit> = {}): void {
    this.#now += 10;
    this.table.exit(recordIn(exitRecord({ ...this.#identity(slot), ts_ns: this.#now, ...fields })));
  }

  /** Another process adopts it after its parent ended, and its next exec reports the new parent. */
  adopted(slot: number, ppid: number): void {
    this.table.exec(recordIn(execRecord({ ...this.#identity(slot), ppid })));
  }

  #identity(slot: number) {
    const { table } = this;
    return { pid: table.pid(slot), ppid: table.ppid(slot) ?? 0, start_ns: BigInt(table.startLow(slot)) };
  }

  /** `pid@depth` of each relative, with `…` if truncated. */
  told({ relatives, truncated }: Relatives): string {
    const words = relatives.map(({ slot, depth }) => `${this.table.pid(slot)}@${depth}`);
    return [...words.toSorted((a, b) => Number(a.split("@")[1]) - Number(b.split("@")[1])), truncated ? "…" : ""]
      .join(" ")
      .trim();
  }

  ancestors(slot: number, bounds = {}): string {
    return this.told(ancestorsOf(this.table, slot, bounds));
  }

  descendants(slot: number, bounds = {}): string {
    return this.told(descendantsOf(this.table, slot, bounds));
  }
}

/** init ─ shell ─ make ─ cc1, cc2; init ─ other */
function usual() {
  const family = new Family();
  const init = family.born(1, 0);
  const shell = family.born(10, 1);
  const make = family.born(20, 10);
  const cc1 = family.born(30, 20);
  const cc2 = family.born(31, 20);
  const other = family.born(40, 1);
  return { family, init, shell, make, cc1, cc2, other };
}

describe("ancestors and descendants", () => {
  test("are found for live processes", () => {
    const { family, init, shell, cc1, other } = usual();
    expect(family.ancestors(cc1)).toBe("20@1 10@2 1@3");
    expect(family.ancestors(init)).toBe("");
    expect(family.descendants(shell)).toBe("20@1 31@2 30@2");
    expect(family.descendants(init)).toBe("40@1 10@1 20@2 31@3 30@3");
    expect(family.descendants(other)).toBe("");
  });

  test("include a process that has just exited, until it expires", () => {
    const { family, init, make, cc1 } = usual();
    family.gone(make);
    expect(family.ancestors(make)).toBe("10@1 1@2");
    expect(family.descendants(make)).toBe("31@1 30@1");
    expect(family.ancestors(cc1)).toBe("20@1 10@2 1@3");
    // init adopts cc1, which is now below init and also still a child of the exited make.
    family.adopted(cc1, 1);
    expect(family.ancestors(cc1)).toBe("1@1");
    expect(family.descendants(make)).toBe("31@1 30@1");
    expect(family.descendants(init)).toBe("40@1 30@1 10@1 20@2 31@3");
    family.table.expire(2e12);
    expect(family.table.find(20)).toBe(NO_SLOT);
    expect(family.ancestors(cc1)).toBe("1@1");
  });

  test("are limited by maxDepth and maxCount, and marked as truncated", () => {
    const { family, init, cc1 } = usual();
    expect(family.ancestors(cc1, { maxDepth: 2 })).toBe("20@1 10@2 …");
    expect(family.ancestors(cc1, { maxDepth: 3 })).toBe("20@1 10@2 1@3");
    expect(family.ancestors(cc1, { maxCount: 1 })).toBe("20@1 …");
    expect(family.descendants(init, { maxDepth: 1 })).toBe("40@1 10@1 …");
    expect(family.descendants(init, { maxCount: 3 })).toBe("40@1 10@1 20@2 …");
    expect(family.descendants(init, { maxDepth: 3, maxCount: 5 })).toBe("40@1 10@1 20@2 31@3 30@3");
  });

  test("are bounded for a chain of thousands", () => {
    const family = new Family();
    let last = family.born(1, 0);
    const first = last;
    for (let pid = 2; pid <= 3000; pid++) last = family.born(pid, pid - 1);
    expect(ancestorsOf(family.table, last)).toMatchObject({ truncated: true });
    expect(ancestorsOf(family.table, last, { maxDepth: 5000 }).relatives).toHaveLength(2999);
    expect(descendantsOf(family.table, first, { maxDepth: 5000 }).relatives).toHaveLength(2999);
  });
});

describe("a pid that is used again", () => {
  test("is not the parent of an older process", () => {
    const family = new Family();
    const parent = family.born(10, 1);
    const child = family.born(20, 10);
    family.gone(parent);
    const again = family.born(10, 1);
    expect(parentOf(family.table, child)).toBe(parent);
    expect(family.descendants(again)).toBe("");
    expect(family.descendants(parent)).toBe("20@1");
    const younger = family.born(21, 10);
    expect(parentOf(family.table, younger)).toBe(again);
    family.table.expire(2e12);
    // After the parent expired, the new process with its pid does not count as the parent.
    expect(parentOf(family.table, child)).toBe(NO_SLOT);
    expect(family.descendants(again)).toBe("21@1");
  });

  test("cannot be the parent of a process that started after its exit", () => {
    const family = new Family();
    const parent = family.born(10, 1);
    family.gone(parent);
    const child = family.born(20, 10);
    expect(parentOf(family.table, child)).toBe(NO_SLOT);
  });

  test("does not cause endless loops if start times are unknown", () => {
    const table = new ProcessTable({ lingerNs: 1e12 });
    const seed = (pid: number, ppid: number) =>
      table.seed(recordIn(forkRecord({ pid, ppid, flags: KNOWN_PPID, start_ns: 0n })));
    const [a, b, c] = [seed(10, 12), seed(11, 10), seed(12, 11)];
    expect(ancestorsOf(table, a).relatives.map(({ slot }) => slot)).toEqual([c, b]);
    expect(descendantsOf(table, a).relatives.map(({ slot }) => slot)).toEqual([b, c]);
    const itself = seed(13, 13);
    expect(ancestorsOf(table, itself).relatives).toEqual([]);
  });

  test("0 is not the parent of a process whose parent is unknown", () => {
    const table = new ProcessTable({ lingerNs: 1e12 });
    table.fork(recordIn(forkRecord({ pid: 0, start_ns: 1n })));
    const slot = table.fork(recordIn(forkRecord({ pid: 5, start_ns: 2n, flags: 0, ppid: 0 })));
    expect(parentOf(table, slot)).toBe(NO_SLOT);
    expect(descendantsOf(table, slot).relatives).toEqual([]);
  });
});
