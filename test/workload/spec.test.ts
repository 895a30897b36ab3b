import { describe, expect, test } from "bun:test";
import { EXIT, LinnixError } from "../../src/errors.ts";
import { PROFILE_NAMES } from "../../src/workload/profiles.ts";
import { LIMITS, planWorkload } from "../../src/workload/spec.ts";

describe("planWorkload", () => {
  test("an empty spec is the seed profile for a minute", () => {
    const plan = planWorkload({});
    expect(plan).toMatchObject({
      profile: "seed",
      rate: 100,
      durationMs: 60_000,
      seed: 1,
      jitter: false,
      maxOutstanding: 256,
    });
    expect(plan.mix).toHaveLength(4);
  });

  test("a plan is a valid spec, and planning it again changes nothing", () => {
    for (const profile of PROFILE_NAMES) {
      const plan = planWorkload({ profile, durationMs: 1234, seed: 9 });
      expect(planWorkload(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
    }
  });

  test("a given rate and mix have priority over those of the profile", () => {
    const mix = [{ program: "sleep", share: 2, lifetimeMs: 300 }];
    expect(planWorkload({ profile: "ci-runner", rate: 20 })).toMatchObject({ profile: "ci-runner", rate: 20 });
    expect(planWorkload({ mix })).toMatchObject({ mix, drainMs: 1300 });
  });

  test("full speed limits the children to at most two per CPU", () => {
    expect(planWorkload({ rate: 0 }).maxOutstanding).toBeLessThanOrEqual(2 * navigator.hardwareConcurrency);
  });

  test.each([
    ["rate", { rate: -1 }],
    ["rate", { rate: LIMITS.rate + 1 }],
    ["rate", { rate: Number.POSITIVE_INFINITY }],
    ["durationMs", { durationMs: 0 }],
    ["durationMs", { durationMs: LIMITS.durationMs + 1 }],
    ["maxSpawns", { maxSpawns: LIMITS.spawns + 1 }],
    ["maxOutstanding", { maxOutstanding: 1e9 }],
    ["profile", { profile: "nope" }],
    ["mix", { mix: [] }],
    ["mix.0.program", { mix: [{ program: "rm", share: 1 }] }],
    ["mix.0", { mix: [{ program: "sleep", share: 1 }] }],
    ["mix.0.share", { mix: [{ program: "ls", share: 0 }] }],
    ["mix.0.lifetimeMs", { mix: [{ program: "sleep", share: 1, lifetimeMs: 1e9 }] }],
    ["rat", { rat: 5 }],
    ["it", "nonsense"],
  ])("an invalid %s is wrong use, and the error names it", (key, spec) => {
    let thrown: unknown;
    try {
      planWorkload(spec);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(LinnixError);
    expect((thrown as LinnixError).exitCode).toBe(EXIT.usage);
    expect((thrown as LinnixError).why).toContain(key);
  });
});
