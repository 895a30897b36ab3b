import { expect, test } from "bun:test";
import { Housekeeping } from "../../src/collect/housekeeping.ts";
import { Reconciler } from "../../src/collect/reconciler.ts";
import { SpareDescriptors } from "../../src/collect/spare-descriptors.ts";
import { ProcessTable } from "../../src/process/table.ts";

/** There are none of these unless a test says otherwise. */
class Scarce extends SpareDescriptors {
  areThere = false;

  override use(count: number, action: () => void): boolean {
    return this.areThere && super.use(count, action);
  }
}

/** Housekeeping of an empty table that is due for comparison with the running processes. */
function setUp() {
  const table = new ProcessTable({ lingerNs: 1e9 });
  let lists = 0;
  const lister = { source: "proc" as const, list: () => void lists++, [Symbol.dispose]() {} };
  const reconciler = new Reconciler({ table, drain: () => true, lister });
  const descriptors = new Scarce();
  const housekeeping = new Housekeeping(table, reconciler, descriptors);
  return { housekeeping, descriptors, lists: () => lists };
}

test("the table is not compared with the running processes while the rings cannot be read, but soon after", () => {
  const { housekeeping, descriptors, lists } = setUp();
  descriptors.areThere = true;
  housekeeping.tick(0, true);
  expect(lists()).toBe(0);
  housekeeping.tick(0, false);
  expect(lists()).toBe(1);
  housekeeping.tick(0, false);
  expect(lists()).toBe(1);
});

test("work that needs a descriptor is done as soon as one is free", () => {
  const { housekeeping, descriptors, lists } = setUp();
  for (let i = 0; i < 10; i++) housekeeping.tick(0, false);
  expect(lists()).toBe(0);
  descriptors.areThere = true;
  housekeeping.tick(0, false);
  expect(lists()).toBe(1);
});
