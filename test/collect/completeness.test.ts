import { afterAll, expect, test } from "bun:test";
import { Completeness } from "../../src/collect/completeness.ts";
import { Conditions } from "../../src/collect/conditions.ts";
import { log } from "../../src/config/log.ts";

const MINUTE_NS = 60e9;

/** A kernel whose count and whose programs' count are set by hand. */
class Kernel {
  created = 1000;
  seen = 0;
  /** Created between two readings of the count, and seen. */
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

test("what is created and seen is explained", async () => {
  const kernel = new Kernel();
  kernel.create(500);
  kernel.completeness.tick(MINUTE_NS);
  kernel.completeness.tick(2 * MINUTE_NS);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(0);
  expect(kernel.isReported).toBe(false);
});

test("what is missing is counted once a second look confirms it, and reported for a minute", () => {
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

test("one that was on its way at the start hides none", async () => {
  const kernel = new Kernel();
  kernel.create(0, 1);
  kernel.completeness.tick(MINUTE_NS);
  kernel.create(3, 0);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(3);
});

test("what is created while a look reads both counts is in doubt, and not missing", async () => {
  const kernel = new Kernel();
  kernel.meanwhile = 4;
  kernel.create(6, 3);
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(0);
  kernel.meanwhile = 0;
  await kernel.completeness.settle();
  expect(kernel.completeness.unexplained).toBe(3);
});

test("what is created while the programs are off on purpose is left out, and what was missing before stays", async () => {
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

test("a look that cannot read the count changes nothing", async () => {
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

test("it is not known where the kernel's count is not there", async () => {
  const { completeness } = new Kernel("/proc/stat is not the kernel's own file");
  completeness.tick(MINUTE_NS);
  await completeness.settle();
  expect(completeness.unexplained).toBeNull();
});
