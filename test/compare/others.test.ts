import { expect, test } from "bun:test";
import { forkedByOthers, machineForks, othersReported } from "../../src/compare/others.ts";
import { matchSightings, type TruthProcess } from "../../src/observers/match.ts";
import type { Sighting, SightingKind } from "../../src/observers/observer.ts";

const WATCHED = { ns: 5e9, forkedByOthers: null };
const WINDOW = { ns: 2e9, forkedByOthers: null };
const UNCOUNTED = { spawns: 0, watched: WATCHED, window: WINDOW };

test("others are the executed processes without our own spawns, scaled to the window", () => {
  // 50 processes of others in five seconds are 20 in two seconds.
  expect(othersReported({ ...UNCOUNTED, executed: 4360, spawns: 4310 })).toBe(20);
  expect(othersReported({ ...UNCOUNTED, executed: 0 })).toBe(0);
});

test("the window's share of others is its share of the forks of others", () => {
  const counted = (inAll: number, inWindow: number) => ({
    spawns: 0,
    watched: { ...WATCHED, forkedByOthers: inAll },
    window: { ...WINDOW, forkedByOthers: inWindow },
  });
  // One burst of others ends before the window begins, and one falls into the window.
  expect(othersReported({ ...counted(60, 3), executed: 40 })).toBe(2);
  expect(othersReported({ ...counted(60, 57), executed: 40 })).toBe(38);
  expect(othersReported({ ...counted(0, 0), executed: 40 })).toBe(0);
});

test("a method that lost some of our spawns has 0 others, never a negative number", () => {
  expect(othersReported({ ...UNCOUNTED, executed: 300, spawns: 4310 })).toBe(0);
});

test("others are never more than the kernel forked", () => {
  const counted = { spawns: 0, watched: { ns: 5e9, forkedByOthers: 50 }, window: { ns: 2e9, forkedByOthers: 20 } };
  expect(othersReported({ ...counted, executed: 5000 })).toBe(20);
  expect(othersReported({ ...counted, executed: 25 })).toBe(10);
});

test("the result is the same for all event types that a method reports besides execs", () => {
  const truth: TruthProcess[] = Array.from({ length: 100 }, (_, index) => ({
    pid: 1000 + index,
    nonce: `n${index}`,
    spawnedFromNs: 0n,
    spawnedByNs: 0n,
    lifetimeMs: 1,
  }));
  const timed = Array.from({ length: 30 }, (_, index) => 3000 + index);
  const others = Array.from({ length: 25 }, (_, index) => 5000 + index);
  const told = (kinds: SightingKind[], args: (nonce: string) => string | undefined): number => {
    const sightings = [...truth, ...timed, ...others].flatMap((process): Sighting[] => {
      const pid = typeof process === "number" ? process : process.pid;
      const text = typeof process === "number" ? "true" : args(process.nonce);
      // Forks and exits have no nonce in any method.
      return kinds.map((what) => ({ pid, what, ...(what === "exec" && text !== undefined && { args: text }) }));
    });
    const { othersExecuted } = matchSightings(truth, sightings);
    return othersReported({ ...UNCOUNTED, executed: othersExecuted, spawns: timed.length });
  };
  expect(told(["exec"], (nonce) => nonce)).toBe(10);
  expect(told(["fork", "exec", "exit"], (nonce) => nonce)).toBe(10);
  // Our processes whose name the method does not know are not counted as others.
  expect(told(["fork", "exec", "exit"], () => undefined)).toBe(10);
});

test("a process that executes twice counts once", () => {
  const twice: Sighting[] = [1, 2, 2, 1, 3].map((pid) => ({ pid, what: "exec", args: "sh" }));
  expect(matchSightings([], twice).othersExecuted).toBe(3);
});

test("the number of forks is read from the kernel", () => {
  const before = machineForks();
  for (let count = 0; count < 20; count++) Bun.spawnSync(["true"]);
  expect(forkedByOthers(before, machineForks(), 0)).toBeGreaterThanOrEqual(20);
  expect(forkedByOthers(before, machineForks(), 1e9)).toBe(0);
  expect(forkedByOthers(null, machineForks(), 0)).toBeNull();
});
