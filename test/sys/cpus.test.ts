import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { onlineCpuCount, onlineCpus, parseCpuList, possibleCpus } from "../../src/sys/cpus.ts";

/** A reader of these files by path; other files cannot be read. */
const reader = (files: Record<string, string>) => (path: string) => {
  const text = files[path];
  if (text === undefined) throw new Error(`ENOENT: ${path}`);
  return text;
};

test("parseCpuList reads lists of CPUs with gaps", () => {
  expect(parseCpuList("0\n")).toEqual([0]);
  expect(parseCpuList("0-3,8,10-11\n")).toEqual([0, 1, 2, 3, 8, 10, 11]);
  expect(parseCpuList("\n")).toEqual([]);
});

test("possible CPUs are those that the kernel lists, without gaps", () => {
  expect(possibleCpus(reader({ "/sys/devices/system/cpu/possible": "0-1,4\n" }))).toEqual([0, 1, 4]);
});

test("without /sys, possible CPUs include those online, rounded up to more", () => {
  const stat = (cpu: number) => `cpu  1 2\ncpu0 1 2\ncpu${cpu} 1 2\nintr 5\n`;
  expect(possibleCpus(reader({ "/proc/stat": stat(1) }))).toHaveLength(64);
  expect(possibleCpus(reader({ "/proc/stat": stat(64) }))).toHaveLength(128);
});

test("online CPUs are those that the kernel lists, and are counted from /proc/stat without /sys", () => {
  const online = { "/sys/devices/system/cpu/online": "0-1,4\n" };
  expect(onlineCpus(reader(online))).toEqual([0, 1, 4]);
  expect(onlineCpuCount(reader(online))).toBe(3);
  const stat = { "/proc/stat": "cpu  1 2\ncpu0 1 2\ncpu7 1 2\nintr 5\n" };
  expect(onlineCpus(reader(stat))).toEqual([]);
  expect(onlineCpuCount(reader(stat))).toBe(2);
  expect(onlineCpus().length).toBeGreaterThanOrEqual(availableParallelism());
});

test("the possible CPUs of this machine include CPU 0", () => {
  expect(possibleCpus()).toContain(0);
});
