import { expect, test } from "bun:test";
import { matchSightings, type TruthProcess } from "../../src/observers/match.ts";

function truth(pid: number, nonce: string, fromNs: bigint, lifetimeMs: number | null = 10): TruthProcess {
  return { pid, nonce, spawnedFromNs: fromNs, spawnedByNs: fromNs + 1000n, lifetimeMs };
}

test("a process is seen if a sighting has its pid, and its nonce in the text or an argument", () => {
  const items = [truth(7, "n0007", 0n), truth(8, "n0008", 0n), truth(9, "n0009", 0n)];
  const result = matchSightings(items, [
    { pid: 7, what: "exec", args: "sleep 1 n0007" },
    { pid: 8, what: "exec", args: ["sleep", "--name=n0008"] },
  ]);
  expect(result.seenFlags).toEqual([true, true, false]);
  expect(result).toMatchObject({ total: 3, seen: 2, othersExecuted: 0 });
  expect(result.capturePct).toBeCloseTo(66.67, 1);
});

test("a pid alone, a nonce alone, or the nonce of another process does not count as seen", () => {
  const items = [truth(7, "n0007", 5_000n), truth(8, "n0008", 5_000n)];
  const result = matchSightings(items, [
    { pid: 7, what: "fork" },
    { pid: 7, what: "listed", args: "sleep 1" },
    { pid: 7, what: "listed", args: "sleep 1 n0008" },
    { pid: 99, what: "exec", args: "n0007" },
  ]);
  // Unmatched sightings with pids of ours do not count as others; only pid 99 does.
  expect(result).toMatchObject({ seen: 0, othersExecuted: 1 });
});

test("a sighting without arguments matches by pid and start time", () => {
  const items = [truth(7, "n1", 5_000n), truth(7, "n2", 9_000n)];
  expect(matchSightings(items, [{ pid: 7, what: "fork", startNs: 5_500n }]).seenFlags).toEqual([true, false]);
  expect(matchSightings(items, [{ pid: 7, what: "fork", startNs: 4_999n }]).seen).toBe(0);
  expect(matchSightings(items, [{ pid: 7, what: "fork", startNs: 6_001n }]).seen).toBe(0);
});

test("a start that was rounded down matches any start within its step", () => {
  const items = [truth(7, "n1", 1_019_000_000n)];
  const at = (startNs: bigint) =>
    matchSightings(items, [{ pid: 7, what: "listed", startNs, startGridNs: 10_000_000n }]).seen;
  expect(at(1_010_000_000n)).toBe(1);
  expect(at(1_020_000_000n)).toBe(0);
  expect(at(1_000_000_000n)).toBe(0);
});

test("a process with several sightings counts once, and a reused pid is another process", () => {
  const items = [truth(7, "n1", 0n), truth(7, "n2", 50_000n)];
  const result = matchSightings(items, [
    { pid: 7, what: "exec", args: "n1" },
    { pid: 7, what: "exit", args: "n1" },
  ]);
  expect(result.seenFlags).toEqual([true, false]);
});

test("capture is grouped by lifetime, shortest first, with unknown lifetimes last", () => {
  const items = [truth(1, "a", 0n, 100), truth(2, "b", 0n, null), truth(3, "c", 0n, 1), truth(4, "d", 0n, 100)];
  const result = matchSightings(items, [{ pid: 4, what: "exec", args: "d" }]);
  expect(result.byLifetime).toEqual([
    { lifetimeMs: 1, total: 1, seen: 0, capturePct: 0 },
    { lifetimeMs: 100, total: 2, seen: 1, capturePct: 50 },
    { lifetimeMs: null, total: 1, seen: 0, capturePct: 0 },
  ]);
});

test("the capture percentage is null without workload processes", () => {
  expect(matchSightings([], [{ pid: 1, what: "exec", args: "x" }])).toMatchObject({ capturePct: null, byLifetime: [] });
});

test("a sum counts up to as many of our processes of its name as seen, and the rest as others", () => {
  const items = [1, 2, 3].map((pid) => ({ ...truth(pid, `n${pid}`, 1000n), path: "/usr/bin/true" }));
  const sum = (comm: string, count: number, untilNs = 10n ** 18n) =>
    ({ pid: 0, what: "exec", sum: { comm, count, untilNs } }) as const;
  expect(matchSightings(items, [sum("true", 2)])).toMatchObject({ seen: 2, othersExecuted: 0 });
  expect(matchSightings(items, [sum("true", 2), sum("true", 5), sum("sh", 4)])).toMatchObject({
    seen: 3,
    othersExecuted: 8,
  });
  // A sum that ended before our first process started is ignored.
  expect(matchSightings(items, [sum("true", 3, 0n)])).toMatchObject({ seen: 0, othersExecuted: 0 });
});
