import { expect, test } from "bun:test";
import { RateHistory } from "../../src/api/rate-history.ts";

const ZERO = { ms: 0, fork: 0, exec: 0, exit: 0, cpuNs: 0, inKernelNs: 0 };

test("has rates and cost of the latest thirty windows", () => {
  const history = new RateHistory({ ...ZERO, ms: 1000 });
  history.add({ ms: 11_000, fork: 2000, exec: 1999, exit: 1000, cpuNs: 50e6, inKernelNs: 10e6 }, 1_790_000_000_000);
  expect(history.entries).toEqual([
    {
      time: "2026-09-21T14:13:20.000Z",
      seconds: 10,
      fork: 200,
      exec: 199.9,
      exit: 100,
      cpu_pct: 0.5,
      in_kernel_cpu_pct: 0.1,
    },
  ]);
  for (let i = 2; i <= 40; i++) history.add({ ...ZERO, ms: i * 11_000, fork: 2000 * i, inKernelNs: null }, i);
  expect(history.entries).toHaveLength(30);
  expect(history.entries.at(-1)).toMatchObject({ seconds: 11, fork: 181.8, in_kernel_cpu_pct: null });
});

test("a window of no length has no rate", () => {
  const history = new RateHistory(ZERO);
  history.add({ ...ZERO, fork: 5 }, 1);
  expect(history.entries).toEqual([]);
});

test("a figure that is not known at both ends of a window is null", () => {
  const history = new RateHistory({ ...ZERO, inKernelNs: null });
  history.add({ ...ZERO, ms: 10_000, inKernelNs: 5 }, 1);
  history.add({ ...ZERO, ms: 20_000, inKernelNs: 1e8 }, 2);
  expect(history.entries.map(({ in_kernel_cpu_pct }) => in_kernel_cpu_pct)).toEqual([null, 1]);
});
