import { expect, test } from "bun:test";
import { join } from "node:path";
import { readProcStat, startNsOf } from "../../src/procfs/proc-stat.ts";
import { boottimeNs, exactBoottimeNs } from "../../src/sys/clock.ts";
import { succeeds, titled } from "../kernel/support/needs.ts";

const CLOCK = join(import.meta.dir, "../../src/sys/clock.ts");
const PROC_STAT = join(import.meta.dir, "../../src/procfs/proc-stat.ts");
test("exactBoottimeNs agrees with boottimeNs", () => {
  const before = boottimeNs();
  const exact = exactBoottimeNs();
  expect(Number(exact)).toBeGreaterThanOrEqual(before);
  expect(Number(exact)).toBeLessThanOrEqual(boottimeNs());
});

/** More than 104 days, where a double has only even numbers; and a negative offset that is less than the uptime. */
const OFFSETS_S = [105 * 86_400, -Math.floor(boottimeNs() / 2e9)];

for (const offset of OFFSETS_S) {
  const unshared = ["unshare", "--time", "--boottime", String(offset), "--fork"] as const;
  const reason = succeeds(...unshared, "true") ? null : "needs root, and unshare with time namespaces";
  const title = `in a time namespace with ${offset > 0 ? "later" : "earlier"} clocks, times agree with the kernel's`;
  test.skipIf(reason !== null)(titled(title, reason), () => {
    const script = `
      const { boottimeNs, CLOCK, clockNs, exactBoottimeNs, realtimeOffsetNs, RelativeClock } =
        await import(${JSON.stringify(CLOCK)});
      const { readProcStat, startNsOf } = await import(${JSON.stringify(PROC_STAT)});
      const relative = new RelativeClock(CLOCK.boottime);
      console.log(JSON.stringify([
        boottimeNs(), exactBoottimeNs(), clockNs(CLOCK.boottime), relative.originNs, Number(relative.originNs) + relative.now(),
        BigInt(Date.now()) * 1000000n - realtimeOffsetNs(),
        startNsOf(readProcStat(process.pid).startTicks),
      ].map(Number)));
      console.log(startNsOf(readProcStat(${process.pid}).startTicks));
    `;
    const before = boottimeNs();
    const { stdout } = Bun.spawnSync([...unshared, process.execPath, "-e", script]);
    const after = boottimeNs();
    const [times = "[]", older] = stdout.toString().trim().split("\n");
    const read = JSON.parse(times) as number[];
    expect(read).toHaveLength(7);
    for (const ns of read) {
      // The wall clock has ms, and a start has ticks.
      expect(ns).toBeGreaterThan(before - 20e6);
      expect(ns).toBeLessThan(after + 20e6);
    }
    // A process that is older than the offset has a start below zero in that namespace.
    expect(Number(older)).toBe(startNsOf(readProcStat(process.pid)?.startTicks ?? 0));
  });
}
