import { describe, expect, test } from "bun:test";
import type { RawCounts, RawRounds } from "../../src/overhead/raw.ts";
import { switchingProblem } from "../../src/overhead/slowdown-phase.ts";

const ROUNDS = {
  repetitions: 9,
  warmup: 1,
  rounds: [{ order: ["on", "off", "control"] }, { order: ["control", "off", "on"] }],
} as unknown as RawRounds;

const problemOf = (emitted: number, folded: number): string | null =>
  switchingProblem([ROUNDS], { emitted: { fork: emitted }, folded: { fork: folded } } as unknown as RawCounts);

describe("the count of processes while the probes are switched", () => {
  test("is right if it has all processes with probes attached, as events or folded", () => {
    expect(problemOf(20, 0)).toBeNull();
    expect(problemOf(0, 20)).toBeNull();
    expect(problemOf(12, 12)).toBeNull();
  });

  test("is a problem if the probes saw fewer, or were attached too long", () => {
    expect(problemOf(10, 9)).toBe("the probes saw 19 of 20 processes in the rounds in which they were attached");
    expect(problemOf(20, 21)).toBe("the probes saw 41 processes, though they were attached for 20 only");
  });
});
