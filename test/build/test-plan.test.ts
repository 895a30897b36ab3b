/** Which test files run at the same time. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const { kernelTests, runPlan, unitTests } = await import(join(ROOT, "scripts/test-plan.mjs"));
const { mergedReport, secondReport } = await import(join(ROOT, "scripts/test-reports.mjs"));
const { failuresOf, slowestFiles, testCounts } = await import(join(ROOT, "scripts/test-counts.mjs"));

interface TestFile {
  file: string;
  isAlone: boolean;
  shares: string[];
}

const file = (name: string, more: Partial<TestFile> = {}): TestFile => ({
  file: name,
  isAlone: false,
  shares: [],
  ...more,
});

/** Runs a plan whose files take some turns of the event loop. Returns for each file which files ran beside it. */
async function besides(files: TestFile[], atOnce: number) {
  const running = new Set<string>();
  const beside = new Map<string, Set<string>>();
  let turns = 0;
  const runFile = async (name: string) => {
    expect(beside.has(name)).toBe(false);
    beside.set(name, new Set(running));
    for (const other of running) beside.get(other)?.add(name);
    running.add(name);
    turns = (turns * 7 + 3) % 5;
    for (let i = 0; i <= turns; i++) await Promise.resolve();
    running.delete(name);
    return 0;
  };
  await runPlan(files, () => atOnce, runFile);
  return beside;
}

describe("a plan", () => {
  const files = [
    file("a1", { shares: ["audit"] }),
    file("a2", { shares: ["audit"] }),
    file("quiet1", { isAlone: true }),
    ...Array.from({ length: 9 }, (_, i) => file(`other${i}`)),
    file("a3", { shares: ["crowd", "audit"] }),
    file("c1", { shares: ["crowd"] }),
    file("quiet2", { isAlone: true }),
  ];

  test.each([1, 2, 3])("runs every file once, %d at a time", async (atOnce) => {
    const beside = await besides(files, atOnce);
    expect([...beside.keys()].sort()).toEqual(files.map((each) => each.file).sort());
    const most = Math.max(...[...beside.values()].map(({ size }) => size));
    if (atOnce === 1) expect(most).toBe(0);
    else expect(most).toBeGreaterThan(0);
  });

  test("never runs two files with a shared resource at once, nor any file beside one that runs alone", async () => {
    const beside = await besides(files, 3);
    for (const name of ["a1", "a2", "a3"]) expect([...(beside.get(name) ?? [])].join()).not.toMatch(/a\d/);
    expect(beside.get("a3")).not.toContain("c1");
    for (const name of ["quiet1", "quiet2"]) expect(beside.get(name)?.size).toBe(0);
  });

  test("starts files that run alone only after the given promise is resolved", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const started: string[] = [];
    const run = async (name: string) => {
      started.push(name);
      return 0;
    };
    const done = runPlan(files, () => 2, run, promise);
    for (let i = 0; i < 200; i++) await Promise.resolve();
    expect(started.toSorted()).toEqual(
      files
        .filter(({ isAlone }) => !isAlone)
        .map(({ file: name }) => name)
        .toSorted(),
    );
    resolve();
    expect(await done).toBe(0);
    expect(started).toHaveLength(files.length);
  });

  test("applies a changed limit of files at once while it runs", async () => {
    let [now, running] = [0, 0];
    const most: number[] = [];
    const run = async () => {
      most.push(++running);
      if (most.length === 4) now = 3;
      await Promise.resolve();
      running--;
      return 0;
    };
    const others = Array.from({ length: 12 }, (_, i) => file(`other${i}`));
    await runPlan(others, () => now, run);
    expect(Math.max(...most.slice(0, 4))).toBe(1);
    expect(Math.max(...most)).toBe(3);
  });

  test("finishes if all remaining files share one resource", async () => {
    const shared = ["a", "b", "c"].map((name) => file(name, { shares: ["audit"] }));
    const beside = await besides(shared, 2);
    expect([...beside.values()].map(({ size }) => size)).toEqual([0, 0, 0]);
  });

  test("runs a failed file again, alone, and returns the exit code of that second run", async () => {
    let running = 0;
    const runs: string[] = [];
    const runOf = (codes: { [file: string]: number[] }) => async (name: string) => {
      const isAgain = runs.includes(name);
      runs.push(name);
      expect(++running).toBeLessThan(isAgain ? 2 : 3);
      await Promise.resolve();
      running--;
      return codes[name]?.[isAgain ? 1 : 0] ?? 0;
    };
    const twice = { other3: [7, 0], quiet1: [3, 5], a1: [1, 6] };
    expect(await runPlan(files, () => 2, runOf(twice))).toBe(6);
    expect(runs).toHaveLength(files.length + 3);
    expect(runs.slice(-3)).toEqual(["a1", "other3", "quiet1"]);
    runs.length = 0;
    expect(await runPlan(files, () => 2, runOf({ quiet2: [4, 0] }))).toBe(0);
    expect(runs).toHaveLength(files.length + 1);
  });
});

describe("the tests of this repository", () => {
  test("every file of test/kernel/ is in the plan once", () => {
    const planned = kernelTests().map((each: TestFile) => each.file);
    const there = readdirSync(join(ROOT, "test/kernel")).filter((name) => name.endsWith(".test.ts"));
    expect(planned.toSorted()).toEqual(there.map((name) => `./test/kernel/${name}`).toSorted());
    expect(kernelTests().filter((each: TestFile) => each.isAlone).length).toBeGreaterThan(3);
  });

  test("unit tests are all other folders and files of test/, except those for kernels, places and the release", () => {
    const unit: string[] = unitTests();
    for (const each of unit) expect(existsSync(join(ROOT, each))).toBe(true);
    expect(unit).toEqual(expect.arrayContaining(["./test/build/", "./test/floor.test.ts", "./test/sinks/"]));
    for (const folder of ["fixtures", "kernel", "kernels", "places", "release"]) {
      expect(unit).not.toContain(`./test/${folder}/`);
    }
  });
});

describe("the report of a second run", () => {
  const testCase = (name: string, inside = "") => {
    const of = `name="${name}" classname="a set" time="0.${inside.length}" file="test/a.test.ts" line="3"`;
    return inside === "" ? `<testcase ${of} />\n` : `<testcase ${of}>\n${inside}\n</testcase>\n`;
  };
  const failure = (why: string) => `<failure type="Error" message="${why}">Error: ${why} of a failure</failure>`;

  test("lists a test that failed only in the first run as flaky, and a test that failed twice as a failure", () => {
    const first = [testCase("once", failure("busy")), testCase("never"), testCase("twice", failure("wrong"))].join("");
    const second = [testCase("once"), testCase("never"), testCase("twice", failure("still wrong"))].join("");
    const report = secondReport(first, second);
    const found = (element: string) =>
      failuresOf(report, element).map(({ test: name, why }: { test: string; why: string }) => [name, why]);
    expect(found("flakyFailure")).toEqual([["test/a.test.ts:3: a set > once", "Error: busy of a failure"]]);
    expect(found("failure")).toEqual([["test/a.test.ts:3: a set > twice", "Error: still wrong of a failure"]]);
    expect(secondReport("", second)).toBe(second);
    expect(secondReport(first, "")).toBe("");
  });
});

describe("the report merged from several", () => {
  const report = (name: string, seconds: number, failures = 0) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
    `<testsuites name="bun test" tests="3" assertions="9" failures="${failures}" skipped="1" time="${seconds}">\n` +
    `  <testsuite name="${name}" file="${name}" tests="3" time="${seconds}">\n  </testsuite>\n</testsuites>\n`;
  const names = ["test/a.test.ts", "test/b.test.ts"];

  test("contains all suites, and the sums of their figures", () => {
    const merged = mergedReport([report("test/a.test.ts", 0.1), report("test/b.test.ts", 0.2, 2)]);
    expect(merged).toContain('tests="6" assertions="18" failures="2" skipped="2" time="0.3"');
    expect(testCounts([merged], names)).toEqual({ passed: 2, failed: 2, skipped: 2, missing: [] });
    expect(slowestFiles(merged, 1)).toEqual([{ file: "test/b.test.ts", seconds: 0.2 }]);
  });

  test("leaves out a report that the runner did not finish", () => {
    const merged = mergedReport([report("test/a.test.ts", 1), report("test/b.test.ts", 1).slice(0, -20)]);
    expect(testCounts([merged], names)).toMatchObject({ passed: 2, missing: ["test/b.test.ts"] });
  });

  test("has no tests if there is no report to merge", () => {
    expect(testCounts([mergedReport([])], names)).toMatchObject({ passed: 0, failed: 2 });
  });
});
