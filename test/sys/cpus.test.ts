import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { onlineCpuCount, onlineCpus, parseCpuList, possibleCpus } from "../../src/sys/cpus.ts";

/** Files by path; any other cannot be read. */
const reader = (files: Record<string, string>) => (path: string) => {
  const text = files[path];
  if (text === undefined) throw new Error(`ENOENT: ${path}`);
  return text;
};

test("lists of CPUs, with gaps", () => {
  expect(parseCpuList("0\n")).toEqual([0]);
  expect(parseCpuList("0-3,8,10-11\n")).toEqual([0, 1, 2, 3, 8, 10, 11]);
  expect(parseCpuList("\n")).toEqual([]);
});

test("the possible CPUs are the kernel's, gaps left out", () => {
  expect(possibleCpus(reader({ "/sys/devices/system/cpu/possible": "0-1,4\n" }))).toEqual([0, 1, 4]);
});

test("without /sys there is room for those that are online, and for more", () => {
  const stat = (cpu: number) => `cpu  1 2\ncpu0 1 2\ncpu${cpu} 1 2\nintr 5\n`;
  expect(possibleCpus(reader({ "/proc/stat": stat(1) }))).toHaveLength(64);
  expect(possibleCpus(reader({ "/proc/stat": stat(64) }))).toHaveLength(128);
});

test("the CPUs that are online are the kernel's, and counted without /sys too", () => {
  const online = { "/sys/devices/system/cpu/online": "0-1,4\n" };
  expect(onlineCpus(reader(online))).toEqual([0, 1, 4]);
  expect(onlineCpuCount(reader(online))).toBe(3);
  const stat = { "/proc/stat": "cpu  1 2\ncpu0 1 2\ncpu7 1 2\nintr 5\n" };
  expect(onlineCpus(reader(stat))).toEqual([]);
  expect(onlineCpuCount(reader(stat))).toBe(2);
  expect(onlineCpus().length).toBeGreaterThanOrEqual(availableParallelism());
});

test("this machine's own are among them", () => {
  expect(possibleCpus()).toContain(0);
});
