// node scripts/test-counts.mjs REPORT...: reads JUnit reports of the test runner. It prints the slowest files, why
// tests failed, which tests passed only in a second run, and `N passed, N failed[, N skipped]`. The exit code is 1 if a
// test failed or none passed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Counts of the reports, including missing files: a test file that cannot be loaded, or that ends the runner, is in no
 * report. Each missing file counts as one failure.
 *
 * @param {string[]} reports text of each report, empty if it was not written
 * @param {string[]} files every test file, as the reports name them
 * @returns {{ passed: number, failed: number, skipped: number, missing: string[] }}
 */
export function testCounts(reports, files) {
  const roots = reports.map((report) => /<testsuites\s[^>]*>/.exec(report)?.[0] ?? "");
  const count = (name) =>
    roots.reduce((sum, root) => sum + Number(new RegExp(`\\s${name}="(\\d+)"`).exec(root)?.[1] ?? 0), 0);
  // Only a whole report counts.
  const reported = reports.filter((report) => report.includes("</testsuites>")).join("\n");
  const missing = files.filter((file) => !reported.includes(`<testsuite name="${file}"`));
  const [failures, skipped] = [count("failures"), count("skipped")];
  return { passed: count("tests") - failures - skipped, failed: failures + missing.length, skipped, missing };
}

/**
 * Limits of the output: characters per failure, and number of failures. A comparison of long texts must not hide the
 * next failure.
 */
const MOST_CHARS = 4000;
const MOST_SHOWN = 40;
const SLOWEST_SHOWN = 10;

/**
 * Which tests failed, and why. It is printed at the end, because often only the end of a long output is kept.
 *
 * @param report text of the report
 * @param element `flakyFailure` for tests that failed at first and passed in the second run
 * @returns {{ test: string, seconds: number, why: string }[]} `why` is the runner's message, truncated if it is long
 */
export function failuresOf(report, element = "failure") {
  const cases = report.matchAll(
    new RegExp(`<testcase\\s([^>]*)>\\s*<${element}\\s([^>]*?)(?:/>|>([^<]*)</${element}>)`, "g"),
  );
  return Array.from(cases, ([, of, failure, text]) => {
    const path = [attribute(of, "classname"), attribute(of, "name")].filter(Boolean).join(" > ");
    const why = (text ? decoded(text) : attribute(failure, "message")).trim();
    return {
      test: `${attribute(of, "file")}:${attribute(of, "line")}: ${path}`,
      seconds: Number(attribute(of, "time")),
      why: why.length > MOST_CHARS ? `${why.slice(0, MOST_CHARS)} …` : why,
    };
  });
}

/**
 * The test files that took longest.
 *
 * @param report text of the report
 * @param most maximum number of files
 * @returns {{ file: string, seconds: number }[]} slowest first
 */
export function slowestFiles(report, most) {
  // A suite of `describe` is inside the suite of its file, and has the file's name in `file`.
  const suites = Array.from(report.matchAll(/<testsuite\s([^>]*)>/g), ([, of]) => of);
  return suites
    .filter((of) => attribute(of, "name") === attribute(of, "file"))
    .map((of) => ({ file: attribute(of, "file"), seconds: Number(attribute(of, "time")) }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, most);
}

function attribute(text, name) {
  return decoded(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1] ?? "");
}

function decoded(text) {
  const named = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) =>
    code === undefined ? (named[name] ?? all) : String.fromCodePoint(Number(code)),
  );
}

function testFiles(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return /[._](test|spec)\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : [];
  });
}

function main(reportPaths) {
  const reports = reportPaths.map((path) => (existsSync(path) ? readFileSync(path, "utf8") : ""));
  const report = reports.join("\n");
  const { passed, failed, skipped, missing } = testCounts(reports, testFiles("test").sort());
  console.log("slowest files:");
  for (const { file, seconds } of slowestFiles(report, SLOWEST_SHOWN)) console.log(`${seconds.toFixed(1)} s ${file}`);
  console.log();
  const flaky = failuresOf(report, "flakyFailure");
  if (flaky.length > 0) console.log(`failed, and passed when the file ran a second time, alone: ${flaky.length}`);
  print(flaky);
  const failures = failuresOf(report);
  if (failures.length > 0) console.log(`failed: ${failures.length}`);
  print(failures);
  for (const file of missing) console.log(`${file}: could not be loaded, or did not run to its end`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

/** @param {ReturnType<typeof failuresOf>} failures */
function print(failures) {
  for (const { test, seconds, why } of failures.slice(0, MOST_SHOWN)) {
    console.log(`${test} (${seconds.toFixed(1)} s)\n${why.replace(/^(?=.)/gm, "    ")}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
