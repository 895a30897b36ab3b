import { describe, expect, test } from "bun:test";
import { DetailSwitch, type StartRange } from "../../src/probes/detail-switch.ts";
import type { DetailLevel } from "../../src/wire/detail-level.ts";
import {
  DETAIL,
  DETAIL_HISTORY,
  DETAIL_SWITCHES,
  MODE_BUFFER,
  MODE_HISTORY,
  MODE_LEVEL,
  MODE_SWITCHED,
  MODE_TOTALS,
} from "../../src/wire/layout.gen.ts";

const LEVELS: DetailLevel[] = ["events", "processes", "summary"];

/** The level of a process with this start, computed as in bpf/level.h. */
function levelAt(memory: ArrayBuffer, startNs: bigint): DetailLevel | undefined {
  const view = new DataView(memory);
  const mode = view.getUint32(DETAIL.mode, true);
  if (!(mode & MODE_SWITCHED)) return LEVELS[mode & MODE_LEVEL];
  const at = DETAIL.history + (mode & MODE_HISTORY ? DETAIL.history_stride : 0);
  let level = view.getUint32(at + DETAIL_HISTORY.first_level, true);
  for (let i = 0; i < DETAIL_SWITCHES; i++) {
    if (startNs >= view.getBigUint64(at + DETAIL_HISTORY.since_ns + 8 * i, true)) {
      level = view.getUint32(at + DETAIL_HISTORY.level + 4 * i, true);
    }
  }
  return LEVELS[level];
}

function started() {
  const memory = new ArrayBuffer(DETAIL.size);
  let nowNs = 1000n * 2n ** 53n;
  const detail = new DetailSwitch(memory, () => nowNs);
  const mode = () => new Uint32Array(memory)[DETAIL.mode / 4] as number;
  /** A start time one second after the previous. */
  const next = () => {
    nowNs += 1_000_000_000n;
    return nowNs;
  };
  return { memory, detail, mode, next };
}

function exactly(...startsNs: bigint[]): StartRange[] {
  return startsNs.map((startNs) => [startNs, startNs]);
}

describe("DetailSwitch", () => {
  test("the mode is 0 at level events without totals", () => {
    const { detail, mode } = started();
    detail.begin("events");
    expect(mode()).toBe(0);
  });

  test("a process keeps the level at which it started", () => {
    const { memory, detail, next } = started();
    detail.begin("events");
    const older = next();
    detail.set("summary");
    const atSummary = next();
    detail.set("processes");
    const atProcesses = next();
    expect(levelAt(memory, older)).toBe("events");
    expect(levelAt(memory, atSummary)).toBe("summary");
    expect(levelAt(memory, atProcesses)).toBe("processes");
    expect(detail.levels).toEqual(new Set<DetailLevel>(["events", "summary", "processes"]));
  });

  test("a process whose fork is under way during a switch has one level", () => {
    const { memory, detail, next } = started();
    detail.begin("events");
    const start = next();
    const before = levelAt(memory, start);
    detail.set("summary");
    expect(levelAt(memory, start + 1_000_000n)).toBe(before);
  });

  test("after more switches than are stored, only the oldest processes change their level", () => {
    const { memory, detail, next } = started();
    detail.begin("events");
    const starts = [next()];
    for (let turn = 0; turn < DETAIL_SWITCHES + 3; turn++) {
      detail.set(turn % 2 === 0 ? "summary" : "events");
      starts.push(next());
    }
    const kept = starts.slice(-DETAIL_SWITCHES - 1);
    expect(kept.map((start) => levelAt(memory, start))).toEqual(
      kept.map((_, index) => ((starts.length - kept.length + index) % 2 === 0 ? "events" : "summary")),
    );
  });

  test("a level that no live process has is dropped, and each process keeps its own", () => {
    const { memory, detail, mode, next } = started();
    detail.begin("events");
    const older = next();
    detail.set("summary");
    const atSummary = next();
    detail.set("events");
    const younger = next();
    for (let second = 0; second < 10; second++) next();
    expect(detail.forget(next(), exactly(older, atSummary, younger))).toBe(false);
    expect(detail.levels).toEqual(new Set<DetailLevel>(["events", "summary"]));
    expect(detail.forget(next(), exactly(older, younger))).toBe(true);
    expect(detail.levels).toEqual(new Set<DetailLevel>(["events"]));
    expect(detail.isSwitched).toBe(false);
    expect(mode() & MODE_SWITCHED).toBe(0);
    expect([older, younger].map((start) => levelAt(memory, start))).toEqual(["events", "events"]);
  });

  test("unused spans between others and at the beginning are dropped", () => {
    const { memory, detail, next } = started();
    detail.begin("events");
    const starts = [next()];
    for (const level of ["summary", "events", "processes", "summary", "processes"] as const) {
      detail.set(level);
      starts.push(next());
    }
    for (let second = 0; second < 10; second++) next();
    const [, atSummary = 0n, , atProcesses = 0n] = starts;
    const last = starts.at(-1) as bigint;
    expect(detail.forget(next(), exactly(atSummary, atProcesses))).toBe(true);
    expect([atSummary, atProcesses, last, next()].map((start) => levelAt(memory, start))).toEqual([
      "summary",
      "processes",
      "processes",
      "processes",
    ]);
    expect([atSummary, atProcesses, last].map((start) => detail.levelOf(start))).toEqual([
      "summary",
      "processes",
      "processes",
    ]);
    expect(detail.levels).toEqual(new Set<DetailLevel>(["summary", "processes"]));
  });

  test("the previous level is kept for a while, because a fork may be under way", () => {
    const { detail, next } = started();
    detail.begin("events");
    const older = next();
    detail.set("summary");
    next();
    detail.set("events");
    expect(detail.forget(next(), exactly(older))).toBe(false);
    expect(detail.levels).toEqual(new Set<DetailLevel>(["events", "summary"]));
  });

  test("a process whose start is known roughly keeps all levels that it may have", () => {
    const { detail, next } = started();
    detail.begin("events");
    const before = next();
    detail.set("summary");
    next();
    detail.set("processes");
    const after = next();
    for (let second = 0; second < 10; second++) next();
    expect(detail.forget(next(), [[before, after]])).toBe(false);
    expect(detail.levels).toEqual(new Set<DetailLevel>(["events", "summary", "processes"]));
  });

  test("setting the current level again changes nothing", () => {
    const { detail, mode } = started();
    detail.begin("summary");
    const before = mode();
    detail.set("summary");
    expect(mode()).toBe(before);
  });

  test("totals and their buffer change only their own bits of the mode", () => {
    const { detail, mode } = started();
    detail.begin("events");
    detail.addsAll = true;
    expect(mode()).toBe(MODE_TOTALS);
    detail.buffer = 1;
    expect(mode()).toBe(MODE_TOTALS | MODE_BUFFER);
    detail.addsAll = false;
    detail.buffer = 0;
    expect(mode()).toBe(0);
  });
});
