import { expect, test } from "bun:test";
import { htmlReport } from "../../src/compare/report/html.ts";
import { captureText, intervalText } from "../../src/compare/report/notation.ts";
import { textReport } from "../../src/compare/report/text.ts";
import { report, row } from "./made-up.ts";

const ROWS = [
  row({
    method: "ps",
    interval_ms: 1000,
    cpu_pct: 1,
    kernel_cpu_pct: 0,
    total_cpu_pct: 1,
    seen: 30,
    total: 120,
    slowdown: { pct: -1.26, ci95: [-4, 2], us_per_process: -5, us_ci95: [-20, 10] },
    by_lifetime: [{ lifetime_ms: 1, total: 60, seen: 0, capture_pct: 0 }],
  }),
  row({
    method: "strace",
    kind: "events",
    cpu_pct: 30,
    total_cpu_pct: 30,
    seen: 120,
    total: 120,
    reports: ["fork", "exec", "exit", "args", "status"],
  }),
  row({
    method: "auditd",
    kind: "events",
    available: false,
    rounds: 0,
    reason: "<b> & \u001b[31m",
    hint: "install it",
  }),
];

test("the report shows all methods, missing methods with the reason, and ends with a conclusion", () => {
  const text = textReport(report(ROWS), { color: false, columns: null });
  expect(text).toMatch(/^ {2}ps +1 s +1\.00 +0\.00 +1\.00 .* −1\.3 +−4\.0 to 2\.0/m);
  expect(text).toMatch(/^ {2}strace +events +30\.0 +slowdown/m);
  expect(text).toMatch(/^ {2}ps +1 s +30 +120 +25 % +0 %/m);
  expect(text).not.toContain("\u001b");
  expect(text).toMatch(/^Not compared\n {2}auditd +.*; install it$/m);
  expect(text).toEndWith("one saw more than the other.\n");
});

test("the report lists the events of each method, on the terminal and on the page", () => {
  expect(textReport(report(ROWS), { color: false, columns: null })).toMatch(
    /^ {2}strace .* 100 % .* fork exec exit args status$/m,
  );
  const page = htmlReport(report(ROWS));
  expect(page).toContain("reports</th>");
  expect(page).toContain("fork exec exit args status</td>");
});

test("the report states that it is incomplete", () => {
  const half = { ...report(ROWS), complete: false, interrupted_by: "SIGINT" };
  expect(textReport(half, { color: false, columns: 100 })).toContain("(incomplete: ended by SIGINT)");
  expect(htmlReport(half)).toContain("(incomplete: ended by SIGINT)");
});

test("the report exists even without any figure", () => {
  expect(textReport(report([]), { color: false, columns: 80 })).toContain("compare-with-polling");
  expect(htmlReport(report([]))).toContain("</html>");
});

test("the page has no markup from external text", () => {
  const page = htmlReport(report(ROWS));
  expect(page).toContain("&lt;b&gt; &amp; \\e[31m");
  expect(page).not.toContain("<b> &");
});

test("shares and intervals are formatted with few digits", () => {
  expect([captureText(999, 1000), captureText(1000, 1000), captureText(1, 5000), captureText(0, 0)]).toEqual([
    "99.9 %",
    "100 %",
    "0.1 %",
    "–",
  ]);
  expect([1000, 100, 1, 1.234, 1100, 2500.5].map(intervalText)).toEqual([
    "1 s",
    "100 ms",
    "1 ms",
    "1.2 ms",
    "1100 ms",
    "2.5 s",
  ]);
});
