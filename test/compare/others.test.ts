import { expect, test } from "bun:test";
import { MachineForks, othersTold } from "../../src/compare/others.ts";
import { matchSightings, type TruthProcess } from "../../src/observers/match.ts";
import type { Sighting, SightingKind } from "../../src/observers/observer.ts";

const WATCHED = { spawns: 0, watchedNs: 5e9, windowNs: 2e9, forkedPerSecond: null };

test("others are those who executed beyond our own spawns, for as long as the window is", () => {
  // 50 of others in five seconds: 20 in two.
  expect(othersTold({ ...WATCHED, executed: 4360, spawns: 4310 })).toBe(20);
  expect(othersTold({ ...WATCHED, executed: 0 })).toBe(0);
});

test("a method that lost some of our spawns tells of nobody else, and never of fewer than none", () => {
  expect(othersTold({ ...WATCHED, executed: 300, spawns: 4310 })).toBe(0);
});

test("never more than the kernel forked", () => {
  // Ten a second for two seconds.
  expect(othersTold({ ...WATCHED, executed: 5000, spawns: 0, forkedPerSecond: 10 })).toBe(20);
  expect(othersTold({ ...WATCHED, executed: 25, spawns: 0, forkedPerSecond: 10 })).toBe(10);
});

test("whatever a method tells besides execs, it comes to the same", () => {
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
      // Forks and exits carry no nonce in any of them.
      return kinds.map((what) => ({ pid, what, ...(what === "exec" && text !== undefined && { args: text }) }));
    });
    const { othersExecuted } = matchSightings(truth, sightings);
    return othersTold({ ...WATCHED, executed: othersExecuted, spawns: timed.length });
  };
  expect(told(["exec"], (nonce) => nonce)).toBe(10);
  expect(told(["fork", "exec", "exit"], (nonce) => nonce)).toBe(10);
  // Ours that it could not name are not somebody else's for that.
  expect(told(["fork", "exec", "exit"], () => undefined)).toBe(10);
});

test("who executes twice is one process", () => {
  const twice: Sighting[] = [1, 2, 2, 1, 3].map((pid) => ({ pid, what: "exec", args: "sh" }));
  expect(matchSightings([], twice).othersExecuted).toBe(3);
});

test("the kernel counts the machine's forks", () => {
  const forks = new MachineForks();
  for (let count = 0; count < 20; count++) Bun.spawnSync(["true"]);
  expect(forks.perSecond(0)).toBeGreaterThan(0);
  expect(forks.perSecond(1e9)).toBe(0);
});
