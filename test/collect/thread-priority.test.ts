import { expect, test } from "bun:test";
import { constants, getPriority } from "node:os";
import { preferThisThread } from "../../src/collect/thread-priority.ts";
import { titled } from "../kernel/support/needs.ts";

const reason = process.geteuid?.() === 0 ? null : "needs root";

test.skipIf(reason !== null)(titled("a thread has priority over others while a client reads", reason), () => {
  const before = getPriority();
  const first = preferThisThread();
  const second = preferThisThread();
  expect(getPriority()).toBe(constants.priority.PRIORITY_HIGH);
  first[Symbol.dispose]();
  expect(getPriority()).toBe(constants.priority.PRIORITY_HIGH);
  second[Symbol.dispose]();
  expect(getPriority()).toBe(before);
});
