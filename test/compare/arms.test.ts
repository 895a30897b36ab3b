import { expect, test } from "bun:test";
import { armsOf, METHOD_NAMES, methodsNamed } from "../../src/compare/arms.ts";
import { DEFAULT_LIFETIMES, DEFAULT_PROCESSES } from "../../src/compare/options.ts";
import { planCompare } from "../../src/compare/plan.ts";
import { planWorkload } from "../../src/workload/spec.ts";

const OPTIONS = {
  methods: null,
  intervalMs: 1000,
  rate: 100,
  durationMs: null,
  quick: false,
  seed: 1,
  lifetimes: DEFAULT_LIFETIMES,
  processes: DEFAULT_PROCESSES,
  forceAudit: false,
};

test("all documented methods exist", () => {
  const wanted = [
    "ps",
    "ps-log",
    "top",
    "proc-scan",
    "task-iterator",
    "strace",
    "auditd",
    "linnix",
    "execsnoop+exitsnoop",
  ];
  expect(METHOD_NAMES).toEqual(expect.arrayContaining([...wanted, "execsnoop", "forkstat", "bpftrace", "pidstat"]));
});

test("an unknown method is refused, and the error names the nearest method", () => {
  expect(() => methodsNamed(["ps", "strcae"])).toThrow("did you mean strace?");
  expect(methodsNamed(["linnix", "ps"]).map(({ name }) => name)).toEqual(["ps", "linnix"]);
});

test("/proc scans also run at shorter intervals, other methods only at the given interval", () => {
  const ids = armsOf(methodsNamed(["ps", "proc-scan", "linnix"]), 1000, false).map(({ id }) => id);
  expect(ids).toEqual(["ps@1000", "proc-scan@1000", "proc-scan@100", "proc-scan@10", "linnix"]);
  expect(armsOf(methodsNamed(["proc-scan"]), 10, false).map(({ id }) => id)).toEqual(["proc-scan@10"]);
});

test("a window has a whole number of looks", () => {
  for (const intervalMs of [10, 250, 700, 1000, 5000]) {
    const { windowMs } = planCompare({ ...OPTIONS, intervalMs });
    expect(windowMs).toBeGreaterThan(0);
    expect(windowMs % intervalMs).toBe(0);
  }
});

test("the workload runs for as long as its longest process before the clocks are read, except with --quick", () => {
  const lifetimes = [{ lifetimeMs: 6000, share: 1 }];
  expect(planCompare({ ...OPTIONS, lifetimes })).toMatchObject({ leadMs: 6000, eventLeadMs: 6000 });
  expect(planCompare(OPTIONS).leadMs).toBe(1000);
  expect(planCompare({ ...OPTIONS, lifetimes, quick: true }).leadMs).toBe(700);
});

test("event methods have windows of whole seconds, after a lead of more than one flush interval", () => {
  for (const options of [{}, { quick: true }, { durationMs: 500, intervalMs: 250 }, { durationMs: 30_000 }]) {
    const { eventLeadMs, eventWindowMs, windowMs } = planCompare({ ...OPTIONS, ...options });
    expect(eventLeadMs).toBeGreaterThan(1000);
    expect(eventWindowMs).toBeGreaterThanOrEqual(windowMs);
    expect(eventWindowMs % 1000).toBe(0);
  }
});

test("a fifth of the workload is the ordinary mix, and the workload can be run", () => {
  const { mix } = planCompare({
    ...OPTIONS,
    lifetimes: [
      { lifetimeMs: 1, share: 3 },
      { lifetimeMs: 50, share: 1 },
    ],
  });
  const sum = (parts: typeof mix): number => parts.reduce((total, { share }) => total + share, 0);
  expect(sum(mix.filter(({ lifetimeMs }) => lifetimeMs === undefined)) / sum(mix)).toBeCloseTo(0.2, 9);
  expect(planWorkload({ mix, rate: 100 }).mix).toHaveLength(6);
});
