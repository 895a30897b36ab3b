// Merges JUnit reports into one.

/** Attributes with counts in the first line of a report. */
const COUNTS = ["tests", "assertions", "failures", "skipped", "time"];

const CASE = /<testcase\s([^>]*?)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/** A name that identifies a test case in both runs of a file. */
function nameOf(attributes) {
  return ["name", "classname", "file", "line"]
    .map((key) => new RegExp(`(?:^|\\s)${key}="[^"]*"`).exec(attributes)?.[0])
    .join();
}

/**
 * The report of a second run. It contains each failure of the first run as `flakyFailure`, as in the reports of other
 * runners.
 *
 * @param {string} first text of the first run's report
 * @param {string} second text of the second run's report
 * @returns {string}
 */
export function secondReport(first, second) {
  const failures = new Map();
  for (const [, attributes, inside = ""] of first.matchAll(CASE)) {
    if (inside.includes("<failure"))
      failures.set(nameOf(attributes), inside.replace(/(<\/?)failure/g, "$1flakyFailure"));
  }
  return second.replace(CASE, (text, attributes, inside = "") => {
    const failure = failures.get(nameOf(attributes));
    return failure === undefined || inside.includes("<failure")
      ? text
      : `<testcase ${attributes}>${inside}${failure}</testcase>`;
  });
}

/**
 * @param {string[]} reports text of each report; an incomplete report, of a runner that died, is left out
 * @returns {string} a report with the suites of all and the sums of their counts
 */
export function mergedReport(reports) {
  const whole = reports.filter((report) => report.includes("</testsuites>"));
  const heads = whole.map((report) => /<testsuites\s[^>]*>/.exec(report)?.[0] ?? "");
  const sums = COUNTS.map((name) => {
    const values = heads.map((head) => Number(new RegExp(`\\s${name}="([\\d.]+)"`).exec(head)?.[1] ?? 0));
    const sum = values.reduce((total, value) => total + value, 0);
    return `${name}="${Number(sum.toFixed(6))}"`;
  });
  const suites = whole.map((report, i) => {
    const from = report.indexOf(heads[i]) + heads[i].length;
    return report.slice(from, report.lastIndexOf("</testsuites>")).replace(/^\n/, "");
  });
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="bun test" ${sums.join(" ")}>`;
  return `${head}\n${suites.join("")}</testsuites>\n`;
}
