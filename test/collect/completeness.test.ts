import { afterAll, expect, test } from "bun:test";
import { Completeness } from "../../src/collect/completeness.ts";
import { Conditions } from "../../src/collect/conditions.ts";
import { log } from "../../src/config/log.ts";

const MINUTE_NS = 60e9;

/** A kernel whose own count and whose BPF programs' count are set by hand. */
class Kernel {
  created = 1000;
  seen = 0;
  /** Tasks created between two readings of the count, and seen. */
  meanwhile = 0;
  canRead = true;
  readonly conditions = new Conditions();
  readonly completeness: Completeness;

  constructor(problem: string | null = null) {
    this.completeness = new Completeness(
      () => {
        this.created += this.meanwhile;
        this.seen += this.meanwhile;
        return this.seen;
      },
      this.conditions,
      { read: () => (this.canRead ? this.created : null), problem: () => problem },
    );
    this.completeness.begin(0);
  }

  create(tasks: number, seen = tasks): void {
    this.created += tasks;
    this.seen += seen;
  }

  get isReported(): boolean {
    return this.conditions.active.has("unexplained_forks");
  }
}

const reporters = log.options.reporters.splice(0);
afterAll(() => log.setReporters(reporters));

test("tasks that are created and seen are explained", async () => {
  const kernel = new Kernel();
  kernel.create(500);
  kernel.completeness.tick(MINUTE_NS);
  kernel.completeness.tick(2 * MINUTE_NS);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(0);
  expect(kernel.isReported).toBe(false);
});

test("missing tasks are counted once a second check confirms them, and reported for a minute", () => {
  const kernel = new Kernel();
  const { completeness } = kernel;
  kernel.create(50, 43);
  completeness.tick(MINUTE_NS - 1);
  expect(completeness.unexplained).toBe(0);
  completeness.tick(MINUTE_NS);
  expect(completeness.unexplained).toBe(0);
  completeness.tick(MINUTE_NS + 1e9);
  expect(completeness.unexplained).toBe(7);
  expect(kernel.isReported).toBe(true);
  kernel.create(50);
  completeness.tick(2 * MINUTE_NS);
  expect(completeness.unexplained).toBe(7);
  expect(kernel.isReported).toBe(false);
});

test("a task on its way to the tracepoint is not missing", async () => {
  const kernel = new Kernel();
  kernel.create(1, 0);
  kernel.completeness.tick(MINUTE_NS);
  kernel.create(0, 1);
  kernel.completeness.tick(MINUTE_NS + 1e9);
  expect(kernel.completeness.unexplained).toBe(0);
  kernel.create(1, 0);
  const settled = kernel.completeness.settle();
  kernel.create(0, 1);
  await settled;
  expect(kernel.completeness.unexplained).toBe(0);
});

test("a task on its way at the start does not hide a missing task", async () => {
  const kernel = new Kernel();
  kernel.create(0, 1);
  kernel.completeness.tick(MINUTE_NS);
  kernel.create(3, 0);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(3);
});

test("tasks that are created while a check reads both counts do not count as missing", async () => {
  const kernel = new Kernel();
  kernel.meanwhile = 4;
  kernel.create(6, 3);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(0);
  kernel.meanwhile = 0;
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(3);
});

test("tasks that are created while programs are off on purpose are not counted; earlier missing tasks stay", async () => {
  const kernel = new Kernel();
  const { completeness } = kernel;
  kernel.create(2, 0);
  await completeness.settle();
  completeness.end();
  kernel.create(100, 0);
  completeness.tick(MINUTE_NS);
  completeness.begin(MINUTE_NS);
  kernel.create(10, 9);
  await completeness.settle();
  expect(completeness.unexplained).toBe(3);
});

test("a check that cannot read the count changes nothing", async () => {
  const kernel = new Kernel();
  kernel.create(4, 0);
  kernel.canRead = false;
  kernel.completeness.tick(MINUTE_NS);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(0);
  kernel.canRead = true;
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(4);
});

test("the number of missing tasks is null without the kernel's count", async () => {
  const { completeness } = new Kernel("/proc/stat is not the kernel's own file");
  completeness.tick(MINUTE_NS);
  await completeness.settle();
  expect(completeness.unexplained).toBeNull();
});
