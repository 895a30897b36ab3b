import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { PidSubject } from "../../src/overhead/pid-subject.ts";
import { readProcStat } from "../../src/procfs/proc-stat.ts";
import { titled } from "../kernel/support/needs.ts";

const kernelThread = readdirSync("/proc")
  .map(Number)
  .find((pid) => pid > 0 && readProcStat(pid)?.isKernelThread);
const reason = kernelThread === undefined ? "no thread of the kernel is visible here" : null;

test.skipIf(reason !== null)(titled("a kernel thread is refused", reason), () => {
  expect(() => new PidSubject([kernelThread as number])).toThrow("is a kernel thread");
});

test("this test itself and a missing process are refused, but not another process", () => {
  expect(() => new PidSubject([process.pid])).toThrow("would measure itself");
  expect(() => new PidSubject([4194303])).toThrow("there is no such process");
  const child = Bun.spawn(["sleep", "30"]);
  try {
    expect(new PidSubject([child.pid]).name).toContain(`(${child.pid})`);
  } finally {
    child.kill();
  }
});
