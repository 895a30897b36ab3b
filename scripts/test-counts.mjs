// node scripts/test-counts.mjs REPORT: prints why tests failed, and `N passed, N failed[, N skipped]`, from a JUnit report
// of the test runner; ends with 1 where anything failed or nothing passed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Counts of a report, and what they do not show: a test file that cannot be loaded, or that ends the runner, leaves no
 * trace in it. Each file that is missing counts as one failure.
 *
 * @param report text of the report, empty where there is none
 * @param files every test file, as the report names them
 * @returns {{ passed: number, failed: number, skipped: number, missing: string[] }}
 */
export function testCounts(report, files) {
  const root = /<testsuites\s[^>]*>/.exec(report)?.[0] ?? "";
  const count = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
  // Only a whole report counts.
  const reported = report.includes("</testsuites>") ? report : "";
  const missing = files.filter((file) => !reported.includes(`<testsuite name="${file}"`));
  const [failures, skipped] = [count("failures"), count("skipped")];
  return { passed: count("tests") - failures - skipped, failed: failures + missing.length, skipped, missing };
}

/** What is shown of one failure, and of how many: a comparison of long texts must not hide the next one. */
const MOST_CHARS = 4000;
const MOST_SHOWN = 40;

/**
 * Which tests failed, and why: in the end of a long output, which is often all that is kept of it.
 *
 * @param report text of the report
 * @returns {{ test: string, seconds: number, why: string }[]} `why` as the runner said it, of much the beginning
 */
export function failuresOf(report) {
  const cases = report.matchAll(/<testcase\s([^>]*)>\s*<failure\s([^>]*?)(?:\/>|>([^<]*)<\/failure>)/g);
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

function main(reportPath) {
  const report = existsSync(reportPath) ? readFileSync(reportPath, "utf8") : "";
  const { passed, failed, skipped, missing } = testCounts(report, testFiles("test").sort());
  for (const { test, seconds, why } of failuresOf(report).slice(0, MOST_SHOWN)) {
    console.log(`${test} (${seconds.toFixed(1)} s)\n${why.replace(/^(?=.)/gm, "    ")}\n`);
  }
  for (const file of missing) console.log(`${file}: could not be loaded, or did not run to its end`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2] ?? "");
