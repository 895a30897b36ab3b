import { expect, test } from "bun:test";
import { join } from "node:path";
import { boottimeNs, exactBoottimeNs } from "../../src/libbpf/clock.ts";
import { succeeds, titled } from "../kernel/support/needs.ts";

const CLOCK = join(import.meta.dir, "../../src/libbpf/clock.ts");
/** A little more than 2^53 ns: a double holds only even numbers there. */
const DAYS_105 = String(105 * 86_400);
/** A clock of our own, so much later. */
const LATER = ["unshare", "--time", "--boottime", DAYS_105, "--fork"] as const;

test("the exact time is that of the double", () => {
  const before = boottimeNs();
  const exact = exactBoottimeNs();
  expect(Number(exact)).toBeGreaterThanOrEqual(before);
  expect(Number(exact)).toBeLessThanOrEqual(boottimeNs());
});

const reason = succeeds(...LATER, "true") ? null : "needs root, and unshare with time namespaces";

test.skipIf(reason !== null)(titled("the double is not exact after 104 days, the exact time is", reason), () => {
  const script = `
    const { boottimeNs, exactBoottimeNs } = await import(${JSON.stringify(CLOCK)});
    const times = Array.from({ length: 100 }, () => [exactBoottimeNs(), BigInt(boottimeNs())]);
    console.log(JSON.stringify([0, 1].map((i) => times.filter((pair) => pair[i] % 2n === 1n).length)));
  `;
  const { stdout } = Bun.spawnSync([...LATER, process.execPath, "-e", script]);
  const [exact, double] = JSON.parse(stdout.toString());
  expect(exact).toBeGreaterThan(0);
  expect(double).toBe(0);
});
