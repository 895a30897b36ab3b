import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { cpusIn, onlineCpus } from "../../src/collect/online-cpus.ts";

test("a list of CPUs, with ranges and holes", () => {
  expect(cpusIn("0-2,5,8-9\n")).toEqual([0, 1, 2, 5, 8, 9]);
  expect(cpusIn("0\n")).toEqual([0]);
  expect(cpusIn("\n")).toEqual([]);
  expect(onlineCpus().length).toBeGreaterThanOrEqual(availableParallelism());
});
