// node scripts/test-counts.mjs REPORT: prints `N passed, N failed[, N skipped]` from a JUnit report of the test runner;
// ends with 1 where anything failed or nothing passed.
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
  for (const file of missing) console.log(`${file}: could not be loaded, or did not run to its end`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2] ?? "");
