import { expect, test } from "bun:test";
import { join } from "node:path";

const { failuresOf, slowestFiles, testCounts } = await import(join(import.meta.dir, "../../scripts/test-counts.mjs"));

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="7" assertions="9" failures="2" skipped="1" time="0.5">
  <testsuite name="test/a.test.ts" file="test/a.test.ts" tests="4" failures="2" skipped="1" time="0.5">
    <testcase name="tests=&quot;99&quot;" />
  </testsuite>
  <testsuite name="test/b.test.ts" file="test/b.test.ts" tests="3" failures="0" skipped="0" time="12.25">
    <testsuite name="a set" file="test/b.test.ts" tests="3" time="99">
    </testsuite>
  </testsuite>
</testsuites>
`;

test("the counts of passed, failed and skipped tests equal those in the report", () => {
  const counts = testCounts([REPORT], ["test/a.test.ts", "test/b.test.ts"]);
  expect(counts).toEqual({ passed: 4, failed: 2, skipped: 1, missing: [] });
});

test("a test file that the report lacks counts as a failure", () => {
  const counts = testCounts([REPORT], ["test/a.test.ts", "test/b.test.ts", "test/c.test.ts"]);
  expect(counts).toEqual({ passed: 4, failed: 3, skipped: 1, missing: ["test/c.test.ts"] });
});

test("without a report every file counts as failed, and no test as passed", () => {
  expect(testCounts([""], ["test/a.test.ts"])).toEqual({
    passed: 0,
    failed: 1,
    skipped: 0,
    missing: ["test/a.test.ts"],
  });
});

test("a truncated report counts as no report", () => {
  const half = REPORT.slice(0, -20);
  expect(testCounts([half], ["test/a.test.ts"])).toMatchObject({ missing: ["test/a.test.ts"] });
});

test("the counts of several reports are added up", () => {
  const other = REPORT.replaceAll("test/b", "test/c");
  const counts = testCounts([REPORT, other], ["test/a.test.ts", "test/b.test.ts", "test/c.test.ts"]);
  expect(counts).toEqual({ passed: 8, failed: 4, skipped: 2, missing: [] });
});

test("the slowest files come first, and suites within a file are not listed", () => {
  expect(slowestFiles(REPORT, 10)).toEqual([
    { file: "test/b.test.ts", seconds: 12.25 },
    { file: "test/a.test.ts", seconds: 0.5 },
  ]);
  expect(slowestFiles(REPORT, 1)).toHaveLength(1);
});

test("the list of failures has each test with the message of the runner", () => {
  const report = `
    <testcase name="is &quot;one&quot;" classname="a set" time="0.25" file="test/a.test.ts" line="3" assertions="1">
      <failure type="Error" message="why&#10;Expected: &lt;2&gt;">Error: why&#10;Expected: &lt;2&gt;&#10;</failure>
    </testcase>
    <testcase name="fine" classname="a set" time="1" file="test/a.test.ts" line="5" assertions="0" />
    <testcase name="waits" classname="" time="120.5" file="test/b.test.ts" line="6" assertions="0">
      <failure type="TimeoutError" message="test timed out" />
    </testcase>`;
  expect(failuresOf(report)).toEqual([
    { test: 'test/a.test.ts:3: a set > is "one"', seconds: 0.25, why: "Error: why\nExpected: <2>" },
    { test: "test/b.test.ts:6: waits", seconds: 120.5, why: "test timed out" },
  ]);
  expect(failuresOf("")).toEqual([]);
});
