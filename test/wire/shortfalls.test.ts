import { expect, test } from "bun:test";
import { shortfalls } from "../../src/wire/shortfalls.ts";

test("shortfalls() lists first the shortfalls of the budget, then those of the backend", () => {
  expect(shortfalls("btf", [], undefined)).toEqual([]);
  expect(shortfalls("btf", [], "as_set")).toEqual([]);
  expect(shortfalls("tracepoint", ["auid", "euid"], "no_samples")).toEqual([
    "the budget is exceeded: no samples are taken",
    "the tracepoint backend has no values for auid, euid",
  ]);
  expect(shortfalls("tracepoint", ["auid", "euid", "egid", "ns_pid", "exit_code"], undefined)).toEqual([
    "the tracepoint backend has no values for 5 fields, such as exit_code, auid, euid",
  ]);
});
