import { expect, test } from "bun:test";
import { OldLevels, type OldLevelsParts } from "../../src/collect/old-levels.ts";
import type { StartRange } from "../../src/probes/detail-switch.ts";
import { NS_PER_CLOCK_TICK } from "../../src/procfs/proc-stat.ts";

/** Live processes with these start times, listed at time 100; `ticks` are start times in /proc. */
function setUp(startsNs: bigint[], ticks: Record<number, number> = {}) {
  const forgot: [bigint, StartRange[]][] = [];
  const state = { checkedNs: 100, takenNs: 0, isOn: true, isSwitched: true, hides: false };
  const parts = (name: "btf" | "tracepoint" = "btf"): OldLevelsParts => ({
    backend: {
      name,
      detail: {
        isSwitched: state.isSwitched,
        forget: (listedNs, starts) => forgot.push([listedNs, [...starts]]) > 0,
      },
    },
    table: {
      liveSlots: () => startsNs.keys() as Generator<number>,
      pid: (slot) => slot + 1,
      startNs: (slot) => startsNs[slot] as bigint,
    },
    reconciler: { checkedNs: state.checkedNs, mayHide: () => state.hides },
    totals: { isOn: state.isOn, takenNs: state.takenNs },
  });
  const levels = new OldLevels((pid) => {
    const startTicks = ticks[pid];
    return startTicks === undefined ? null : { startTicks };
  });
  return { state, parts, forgot, levels };
}

test("levels are dropped once for each check, after the totals of ended processes are read", () => {
  const { state, parts, forgot, levels } = setUp([3n, 5n]);
  state.takenNs = 99;
  expect(levels.look(parts())).toBe(false);
  state.takenNs = 101;
  expect(levels.look(parts())).toBe(true);
  expect(levels.look(parts())).toBe(false);
  expect(forgot).toEqual([
    [
      100n,
      [
        [3n, 3n],
        [5n, 5n],
      ],
    ],
  ]);
  state.isOn = false;
  state.checkedNs = 200;
  expect(levels.look(parts())).toBe(true);
});

test("no level is dropped without a switch, with hidden processes, or with an unknown start", () => {
  const { state, parts, forgot, levels } = setUp([3n]);
  state.takenNs = 101;
  state.isSwitched = false;
  expect(levels.look(parts())).toBe(false);
  state.isSwitched = true;
  state.hides = true;
  expect(levels.look(parts())).toBe(false);
  const unknown = setUp([0n, 3n]);
  unknown.state.takenNs = 101;
  expect(unknown.levels.look(unknown.parts())).toBe(false);
  expect([...forgot, ...unknown.forgot]).toEqual([]);
});

test("a start that is not in the list is read from /proc, exact to the tick", () => {
  const { state, parts, forgot, levels } = setUp([0n, 3n], { 1: 2 });
  state.takenNs = 101;
  expect(levels.look(parts())).toBe(true);
  const tick = BigInt(NS_PER_CLOCK_TICK);
  expect(forgot[0]?.[1][0]).toEqual([2n * tick, 3n * tick]);
});

test("without start times all processes have the present level", () => {
  const { state, parts, forgot, levels } = setUp([0n, 3n]);
  state.takenNs = 101;
  expect(levels.look(parts("tracepoint"))).toBe(true);
  expect(forgot).toEqual([[100n, []]]);
});
