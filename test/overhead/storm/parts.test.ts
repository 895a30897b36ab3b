import { describe, expect, test } from "bun:test";
import { isYes } from "../../../src/commands/confirm.ts";
import { checkStormOptions } from "../../../src/commands/overhead-storm.ts";
import { averageCpuPct, mostCpuPct } from "../../../src/overhead/storm/cpu-log.ts";
import { mostWithin } from "../../../src/overhead/storm/figures.ts";
import { hierarchyOf } from "../../../src/overhead/storm/hierarchy.ts";
import { loopsFor } from "../../../src/overhead/storm/loops.ts";
import { mostQuietRate } from "../../../src/overhead/storm/options.ts";
import { OrderCheck } from "../../../src/overhead/storm/order-check.ts";
import { StormOutput } from "../../../src/overhead/storm/output.ts";
import { parseMountinfo } from "../../../src/procfs/mountinfo.ts";
import { GroundTruth } from "../../../src/workload/ground-truth.ts";

describe("options", () => {
  const check = (switches: string[], words: string[] = [], rest: string[] | null = null) =>
    checkStormOptions({
      switches: new Set(switches),
      words: new Map(words.map((word) => [word, ["1"]])),
      rest,
    });

  test.each(["baseline", "duration", "interval", "threshold", "profile", "without", "html", "pid"])(
    "--storm refuses --%s",
    (word) => {
      expect(() => check(["storm"], [word])).toThrow(`--storm and --${word}; a storm test has fixed phases`);
      expect(() => check([], [word])).not.toThrow();
    },
  );

  test("--storm refuses --quick and a command, and accepts options of the report", () => {
    expect(() => check(["storm", "quick"])).toThrow("--storm and --quick");
    expect(() => check(["storm"], [], ["true"])).toThrow("--storm and -- COMMAND");
    expect(() => check(["storm", "yes", "verbose", "no-color"], ["json", "rate", "config"])).not.toThrow();
  });

  test("--yes is accepted only with --storm", () => {
    expect(() => check(["yes"])).toThrow("--yes; only goes with --storm");
  });

  test.each([
    ["y", true],
    ["Yes ", true],
    ["n", false],
    ["", false],
    ["yesterday", false],
    [null, false],
  ])("the answer %p is yes: %p", (answer, expected) => {
    expect(isYes(answer)).toBe(expected);
  });

  test("a quiet neighbour stays below the lowest rate", () => {
    expect(mostQuietRate({ stormRate: "auto" })).toBe(300);
    expect(mostQuietRate({ stormRate: 100 })).toBe(30);
    expect(mostQuietRate({ stormRate: 0 })).toBe(Number.POSITIVE_INFINITY);
  });

  test("a storm has two loops for each CPU, and at most 16", () => {
    expect(loopsFor(1)).toEqual({ forkers: 1, shells: 1 });
    expect(loopsFor(2)).toEqual({ forkers: 2, shells: 2 });
    expect(loopsFor(64)).toEqual({ forkers: 4, shells: 12 });
  });
});

describe("the hierarchy", () => {
  const V2 = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  const V1 = "31 1 0:27 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n32 1 0:28 / /cg/pids rw - cgroup cgroup rw,pids\n";
  const filesWith = (controllers: string, enabled: string) => (path: string) =>
    path.endsWith("controllers") ? `${controllers}\n` : `${enabled}\n`;

  test("of v2 lists the controllers that must be enabled", () => {
    const { root, missing, legacy } = hierarchyOf(
      parseMountinfo(V2),
      "/sys/fs/cgroup",
      filesWith("cpu io pids", "pids"),
    );
    expect({ root, missing, legacy: [...legacy] }).toEqual({ root: "/sys/fs/cgroup", missing: ["cpu"], legacy: [] });
  });

  test("uses controllers of v1 that v2 does not have", () => {
    const { missing, legacy } = hierarchyOf(parseMountinfo(V2 + V1), "/sys/fs/cgroup", filesWith("hugetlb", ""));
    expect({ missing, legacy: [...legacy] }).toEqual({
      missing: [],
      legacy: [
        ["cpu", "/cg/cpu"],
        ["pids", "/cg/pids"],
      ],
    });
  });

  test("is refused without v2, and without a controller", () => {
    const read = filesWith("cpu", "");
    expect(() => hierarchyOf(parseMountinfo(V1), undefined, read)).toThrow("cgroup v2 hierarchy is not mounted");
    expect(() => hierarchyOf(parseMountinfo(V2), "/sys/fs/cgroup", read)).toThrow("the cgroup controller pids");
  });
});

describe("figures", () => {
  const looks = [0, 1, 2, 3, 4].map((second) => ({ atNs: second * 1e9, cpuNs: second < 2 ? 0 : (second - 1) * 1e7 }));

  test("the cost is the average, and the maximum of any window", () => {
    expect(averageCpuPct(looks, 0, 4e9)).toBeCloseTo(0.75);
    expect(averageCpuPct(looks, 0, 0.5e9)).toBeNull();
    expect(mostCpuPct(looks, { fromNs: 0, toNs: 4e9, windowNs: 2e9 })).toBeCloseTo(1);
    expect(mostCpuPct(looks, { fromNs: 3e9, toNs: 4e9, windowNs: 2e9 })).toBeNull();
  });

  test("the maximum is null if readings are missing, for example because the test was stopped", () => {
    const stopped = looks.map((look, second) => ({ ...look, atNs: look.atNs + (second > 2 ? 18e9 : 0) }));
    expect(mostCpuPct(stopped, { fromNs: 0, toNs: 22e9, windowNs: 2e9 })).toBeNull();
    expect(mostCpuPct(looks, { fromNs: 0, toNs: 7e9, windowNs: 2e9 })).toBeNull();
  });

  test("the largest number of times in a window is found", () => {
    expect(mostWithin([0, 1, 2, 10, 11, 30], 5)).toBe(3);
    expect(mostWithin([0, 5, 10], 5)).toBe(1);
    expect(mostWithin([], 5)).toBe(0);
  });
});

describe("the order of events", () => {
  const truth = new GroundTruth({
    folder: "/tmp/f",
    spawnerPid: 7,
    originNs: 1_000_000n,
    run: 12_345,
    commands: [{ program: "true", path: "/usr/bin/true", lifetimeMs: null, share: 1 }],
  });
  for (const [pid, fromNs] of [
    [100, 0],
    [101, 10_000],
  ] as const) {
    const row = truth.columns.add();
    const { arrays } = truth.columns;
    arrays.pid[row] = pid;
    arrays.status[row] = 0;
    arrays.spawnedFromNs[row] = fromNs;
    arrays.spawnedByNs[row] = fromNs + 2000;
    arrays.exitedFromNs[row] = fromNs + 3000;
    arrays.exitedByNs[row] = fromNs + 5000;
  }
  const outOfOrder = (...events: [type: string, pid: number, at: number][]) => {
    const check = new OrderCheck(truth, "pid");
    for (const [type, pid, at] of events) check.add({ type, pid, ts_ns: 1_000_000 + at });
    return check.outOfOrder;
  };

  test("is right if each process forks, executes and exits, one after the other", () => {
    expect(
      outOfOrder(
        ["fork", 100, 1],
        ["exec", 100, 2],
        ["exit", 100, 3],
        ["fork", 101, 10_001],
        ["exec", 101, 10_002],
        ["exit", 101, 10_003],
      ),
    ).toBe(0);
  });

  test("is wrong if an event comes after a later event", () => {
    expect(outOfOrder(["exec", 100, 2], ["fork", 100, 1], ["exit", 100, 3])).toBe(1);
    expect(outOfOrder(["fork", 101, 10_001], ["exit", 100, 3])).toBe(1);
  });

  test("ignores other processes, also those with the same pid", () => {
    expect(outOfOrder(["fork", 101, 10_001], ["fork", 5, 3], ["exit", 100, 8000])).toBe(0);
  });
});

test("the storm lines of a source are added up, and lines of other sources are ignored", () => {
  const output = new StormOutput();
  const line = (pid: number, cgroup_id: number, state: "begin" | "end", fork: number) =>
    output.add(
      JSON.stringify({
        type: "storm",
        ts_ns: 2e9,
        state,
        source: { kind: "process", pid, start_ns: 1, cgroup_id, cgroup: "/c", uid: 0, comm: "sh" },
        suppressed: state === "begin" ? null : { fork, exec: 0, exit: fork },
        exited: state === "begin" ? null : { ok: fork, error: 0, signal: 0, unknown: 0 },
        comms: state === "begin" ? null : [{ comm: "sh", count: 2 * fork }],
      }),
    );
  line(1, 50, "begin", 0);
  line(1, 50, "end", 10);
  line(1, 50, "end", 5);
  line(2, 51, "end", 100);
  const sources = output.sources(1e9, 50);
  expect(sources.map(({ name, is_ours, began_s }) => ({ name, is_ours, began_s }))).toEqual([
    { name: "process 2 (sh)", is_ours: false, began_s: 1 },
    { name: "process 1 (sh)", is_ours: true, began_s: 1 },
  ]);
  expect(sources[1]).toMatchObject({
    suppressed: { fork: 15, exec: 0, exit: 15 },
    exited: { ok: 15 },
    comms: [{ comm: "sh", count: 30 }],
  });
});
