import { describe, expect, test } from "bun:test";
import { figuresOf } from "../../src/overhead/figures.ts";
import { htmlReport } from "../../src/overhead/report/html.ts";
import { jsonReport } from "../../src/overhead/report/json.ts";
import { ledgerPartsOf } from "../../src/overhead/report/ledger-parts.ts";
import { LiveView } from "../../src/overhead/report/live.ts";
import { verdictSentence } from "../../src/overhead/report/sentence.ts";
import { textReport } from "../../src/overhead/report/text.ts";
import { timingFacts } from "../../src/overhead/report/timing-facts.ts";
import type { OverheadReport } from "../../src/overhead/result.ts";
import { barLine } from "../../src/report/terminal/bar.ts";
import { emptyRun, quietRun } from "../overhead/raw-run.ts";
import { exampleReport } from "./example.ts";

const PIPED = { color: false, columns: null, beginningShown: false, verbose: true };

/** A report in which almost nothing could be measured. */
function poorReport() {
  return exampleReport({
    raw: emptyRun(),
    verdict: "INCONCLUSIVE",
    incomplete: "SIGINT came during the baseline",
    reasons: ["the test did not get to its end: SIGINT came during the baseline"],
    left_out: [{ part: "slowdown", why: "it was not measured" }],
  });
}

/** A report with many reasons to fail, and with names that contain terminal control sequences. */
function hostileReport() {
  const name = `\u202e\u001b[2J<script>${"x ".repeat(2048)}`;
  return exampleReport({
    subject: { kind: "command", name, command: name, pids: [] },
    verdict: "FAIL",
    reasons: Array.from({ length: 12 }, (_, index) => `reason ${index} of ${name}`),
    left_out: [{ part: "slowdown", why: name }],
  });
}

/** The lines of the results on a terminal of 80 columns. */
function screenOf(report: OverheadReport): string[] {
  const text = textReport(report, { color: false, columns: 80, beginningShown: true });
  return text.trimEnd().split("\n");
}

describe("one screen of 80 × 24", () => {
  test("has room for any result and the prompt below it", () => {
    const without = exampleReport({ total: null, slowdown: null, model: null, memory: null });
    for (const report of [exampleReport(), poorReport(), hostileReport(), without]) {
      const lines = screenOf(report);
      expect(lines.length).toBeLessThanOrEqual(23);
      expect(lines.filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
      expect(lines.join()).not.toMatch(/undefined|NaN|null/);
    }
    expect(screenOf(hostileReport()).at(-1)).toBe("  … (the rest with --verbose)");
  });

  test("starts with the verdict and the bar, then the rest, and names --verbose", () => {
    const [blank, head, verdict, bar, key, ...rest] = screenOf(exampleReport());
    expect([blank, head]).toEqual(["", "RESULTS"]);
    expect(verdict).toMatch(/^✓ PASS: 0\.2\d+ % of one core \(95 % sure: 0\.2.*\); claim: < 1\.00 %$/);
    expect(bar).toMatch(/^ {2}\[█+▓+░*·+\|·*\]$/);
    expect(key).toMatch(/█ user 0\.\d+ % {2}▓ kernel 0\.0\d+ % {2}░ further slowdown .* {2}\| 1\.00 %/);
    for (const part of ["together", "lost", "capture", "slowdown", "memory", "the claim", "--verbose"]) {
      expect(rest.join("\n")).toContain(part);
    }
  });

  test("is exceeded with --verbose, which has every group and also starts and ends with the verdict", () => {
    const lines = textReport(exampleReport(), { ...PIPED, beginningShown: true })
      .trimEnd()
      .split("\n");
    expect(lines.slice(1, 3)).toEqual(screenOf(exampleReport()).slice(1, 3));
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.at(-1)).toStartWith("✓ PASS: ");
  });
});

describe("the ledger", () => {
  test("counts the time of the BPF programs once, although it is also part of the slowdown", () => {
    const report = exampleReport();
    const { user, kernel, slowdown, wholeSlowdown } = ledgerPartsOf(report);
    expect((user ?? 0) + (kernel ?? 0)).toBeCloseTo(report.total?.avg_cpu_pct ?? 0, 6);
    expect(slowdown).toBeCloseTo(Math.max((wholeSlowdown ?? 0) - (kernel ?? 0), 0), 9);
  });

  test("has 0 for a negative slowdown, and null for parts that were not measured", () => {
    const report = exampleReport();
    if (report.slowdown !== null) report.slowdown.us_per_process = -7;
    expect(ledgerPartsOf(report).slowdown).toBe(0);
    expect(ledgerPartsOf(poorReport())).toMatchObject({ user: null, kernel: null, slowdown: null });
  });

  test("shows also a very small part in the bar, and keeps a very large part within the line", () => {
    const style = { color: false, columns: 80 };
    expect(barLine([{ name: "a", value: 0.0001 }], 1000, style)).toMatch(/^ {2}\[█·+\|·+\]$/);
    const large = barLine(
      [
        { name: "a", value: 500 },
        { name: "b", value: 300 },
      ],
      0.001,
      style,
    );
    expect(large).toMatch(/^ {2}\[\|█+▓+·+\]$/);
    expect(large.length).toBeLessThan(80);
  });
});

describe("the text", () => {
  test("has every part, and ends with one line for the verdict and its confidence", () => {
    const text = textReport(exampleReport(), PIPED);
    const lines = text.trimEnd().split("\n");
    for (const part of [
      "RESULTS",
      "samples",
      "events",
      "in the kernel",
      "together",
      "lost",
      "capture",
      "cold start",
      "first 10.0 s",
      "Memory",
      "Model",
    ]) {
      expect(text).toContain(part);
    }
    expect(lines[0]).toBe("linnix 1.2.3 overhead-test");
    expect(lines.at(-1)).toMatch(
      /^✓ PASS: watching every process costs 0\.2\d+ % of one core, .*95 % sure: 0\.2\d+ to 0\.2\d+ %.*6,140 processes.*captured; none of 21,000 events lost/,
    );
    expect(text).not.toMatch(/undefined|NaN|null/);
    expect(text).not.toContain("\u001b");
  });

  test("says for each percentage what 100 % is", () => {
    const text = textReport(exampleReport(), PIPED);
    expect(text).toContain("% of one core     average");
    expect(text).toMatch(/0\.1\d+ % of the whole machine/);
    expect(text).toContain("system: the whole machine");
    expect(text).toMatch(/together\s+0\.25\d*/);
  });

  test("is at most as wide as the terminal, also in the line of the verdict", () => {
    for (const [columns, verbose] of [80, 100].flatMap((each) => [[each, false] as const, [each, true] as const])) {
      for (const report of [exampleReport(), poorReport(), hostileReport()]) {
        const lines = textReport(report, { color: false, columns, beginningShown: false, verbose }).split("\n");
        expect(lines.filter((line) => Bun.stringWidth(line) > columns)).toEqual([]);
      }
    }
  });

  test("does not repeat lines that were shown during the run", () => {
    const text = textReport(exampleReport(), { ...PIPED, beginningShown: true });
    expect(text).not.toContain("overhead-test");
    expect(text).not.toContain("0:02");
  });

  test("reports the figures of an interrupted run, marked as incomplete", () => {
    const text = textReport(poorReport(), PIPED);
    expect(text).toContain("RESULTS (incomplete: SIGINT came during the baseline)");
    expect(text.trimEnd().split("\n").at(-1)).toStartWith("~ INCONCLUSIVE: ");
    expect(text).not.toMatch(/undefined|NaN|null/);
  });

  test("has no control characters of names from outside", () => {
    const name = "a\u001b[2Jb";
    const report = exampleReport({ subject: { kind: "command", name, command: name, pids: [] } });
    const [program] = report.in_kernel?.programs ?? [];
    if (program) program.name = name;
    expect(textReport(report, PIPED)).not.toContain("\u001b");
  });
});

describe("the timings", () => {
  const factsOf = (report: OverheadReport) => new Map(timingFacts(report).map(([label, text]) => [label, text]));

  test("have each step with its spread and its method", () => {
    const facts = factsOf(exampleReport({ raw: quietRun() }));
    expect(facts.get("ring write")).toStartWith(
      "0.120 µs (5 to 95 % of the batches: 0.075 to 0.165): a loop of writes",
    );
    expect(facts.get("read")).toStartWith("0.500 µs (");
    expect(facts.get("to JSON")).toStartWith("0.900 µs (");
    expect(facts.get("to the output")).toStartWith("500 ms (p50), 990 ms (p99) of 101 lines: ");
    expect(facts.get("to the output")).toEndWith(
      "of this, events wait in the rings for up to 1,000 ms (ring.flush_interval)",
    );
  });

  test("report that a collector above its budget gathers events for longer", () => {
    const raw = quietRun();
    const report = exampleReport({ raw: { ...raw, output_delay: { ...raw.output_delay, flush_ms: null } as never } });
    expect(factsOf(report).get("to the output")).toEndWith(
      "the collector is above its CPU budget, so it gathers events for longer than ring.flush_interval",
    );
  });

  test("report why steps are missing, once for each reason", () => {
    const missing = { not_measured: "the kernel refuses it" };
    const report = exampleReport({ raw: { ...quietRun(), ring_write: missing, output_delay: missing } });
    const facts = factsOf(report);
    expect(facts.has("ring write")).toBe(false);
    expect(facts.get("not measured")).toContain("ring_write_ns, kernel_to_output_ms: the kernel refuses it");
  });
});

describe("the verdict's sentence", () => {
  test("of a FAIL contains the reasons", () => {
    expect(verdictSentence(exampleReport({ verdict: "FAIL", reasons: ["7 events were lost"] }))).toBe(
      "FAIL: a part of the claim of less than 1.00 % is disproven: 7 events were lost",
    );
  });

  test("of a PASS of another agent lists the parts that were left out", () => {
    const report = exampleReport({
      subject: { kind: "pid", name: "falco (77)", command: null, pids: [77] },
      left_out: [{ part: "capture", why: "not read" }],
    });
    report.raw.capture = null;
    report.events.lost = null;
    expect(verdictSentence(report)).toMatch(/^PASS: falco \(77\) costs .*; capture left out$/);
  });
});

describe("the JSON", () => {
  test("contains the raw part, from which the figures can be computed again", () => {
    const report = exampleReport();
    const parsed = JSON.parse(jsonReport(report));
    const { raw, threshold_pct, options } = parsed;
    const again = JSON.parse(JSON.stringify(figuresOf(raw, { thresholdPct: threshold_pct, seed: options.seed })));
    for (const [name, figures] of Object.entries(again)) expect(parsed[name]).toEqual(figures);
    expect(parsed.schema).toBe("linnix.overhead-test/1");
  });

  test("has null for an unbounded end of an interval", () => {
    const raw = quietRun();
    raw.windows = raw.windows.filter(({ phase }) => phase === "workload").slice(0, 1);
    const parsed = JSON.parse(jsonReport(exampleReport({ raw })));
    expect(parsed.total.ci95).toEqual([null, null]);
    expect(parsed.model).toBeNull();
  });
});

describe("the page", () => {
  test("is one file without scripts and external resources", () => {
    const page = htmlReport(exampleReport());
    expect(page).toStartWith("<!doctype html>");
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed)\b|\b(src|href|srcset)=|url\(|@import|https?:/i);
  });

  test("closes every element in order", () => {
    for (const report of [exampleReport(), poorReport()]) {
      const open: string[] = [];
      for (const [, end, name = "", rest = ""] of htmlReport(report).matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/g)) {
        if (["meta", "br"].includes(name) || rest.endsWith("/")) continue;
        if (end === "") open.push(name);
        else expect(open.pop()).toBe(name);
      }
      expect(open).toEqual([]);
    }
  });

  test("escapes texts, and has a dash for unknown values", () => {
    const page = htmlReport(exampleReport());
    expect(page).toContain("A &lt;fast&gt; processor");
    expect(page).not.toContain("<fast>");
    expect(htmlReport(poorReport())).not.toMatch(/undefined|NaN|null|Infinity/);
  });

  test("starts with the verdict, then the ledger as a bar, then the rest", () => {
    const page = htmlReport(exampleReport());
    const places = ['class="verdict', "<b>The ledger.</b>", 'class="cards"', "<h2>"].map((part) => page.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const bar = page.slice(0, page.indexOf("<figcaption>"));
    expect(bar.match(/<rect class="[abc]"/g)).toHaveLength(6);
    expect(bar).toContain("the claim: 1.00 %");
    expect(htmlReport(poorReport())).not.toContain("<b>The ledger.</b>");
  });

  test("stays small after a long run with many samples, and reports that it shows only a part of them", () => {
    const [sample] = exampleReport().samples;
    if (sample === undefined) throw new Error("no sample");
    const samples = Array.from({ length: 33_000 }, (_, index) => ({ ...sample, t_s: index / 10, length_s: 0.1 }));
    const page = htmlReport(exampleReport({ samples }));
    expect(page.length).toBeLessThan(150 * 1024);
    expect(page).toContain("240 of 33,000 samples; the JSON report has all");
  });

  test("has the verdict, the charts and the samples", () => {
    const page = htmlReport(exampleReport());
    expect(page).toContain('class="verdict good"');
    // Each chart has a version for a screen and a version for a phone.
    expect(page.match(/<svg/g)).toHaveLength(8);
    expect(page).toContain("All 30 samples");
  });
});

test("the head of the live table is printed with its first row", () => {
  let text = "";
  using view = new LiveView({
    isTty: false,
    color: false,
    columns: null,
    write: (piece) => {
      text += piece;
    },
  });
  const report = exampleReport();
  const plan = {
    noiseMs: 100,
    coldMs: 0,
    baselineMs: 1000,
    warmUp: { rate: 400, durationMs: 1000 },
    leadInMs: 100,
    durationMs: 4000,
    intervalMs: 2000,
    rate: 100,
    sweep: [],
    outputMs: 0,
    flushMs: null,
    slowdownMs: 0,
    steps: null,
  };
  view.planned(plan, { ...report, subject: { kind: "pid", name: "agent (7)", command: null, pids: [] } });
  view.phase("workload");
  for (const sample of report.samples.slice(0, 2)) view.sample(sample);
  view.phase("sweep");
  expect(text).toContain("agent (7), running already");
  const lines = text.split("\n");
  const head = lines.findIndex((line) => line.includes("collector %"));
  expect(lines[head - 1]).toStartWith("workload (about ");
  expect(lines[head + 1]).toMatch(/^ +0:02 +0\.\d+ +0\.050/);
  expect(lines[head + 2]).toMatch(/^ +0:04 /);
  expect(lines[head + 3]).toContain("% of one core");
  expect(lines.filter((line) => line.includes("collector %"))).toHaveLength(1);
});
