import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DASHBOARD, dashboardOf } from "../../scripts/dashboard.ts";
import { listMetrics, metricsIn } from "../../scripts/metric-list.ts";
import { programPath, titled } from "../kernel/support/needs.ts";

const FOLDER = join(import.meta.dir, "../../docs/prometheus");
const promtool = programPath("promtool");
const noPromtool = promtool === null ? "needs promtool" : null;
const metrics = await listMetrics();

/** Metrics of a target that Prometheus itself makes. */
const OF_PROMETHEUS = ["up", "ALERTS"];

interface Panel {
  panels?: Panel[];
  targets?: { expr: string }[];
}

function expressionsOf({ panels = [], targets = [] }: Panel): string[] {
  return [...targets.map(({ expr }) => expr), ...panels.flatMap(expressionsOf)];
}

/** Names of metrics in an expression, without the suffixes of histograms. */
function namesIn(text: string): string[] {
  const names = Array.from(text.matchAll(/\b(?:linnix|process)_[a-z_]+\b/g), ([name]) => name);
  return names.map((name) => (metrics.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, "")));
}

function run(...args: string[]): [string, number] {
  const { stdout, stderr, exitCode } = Bun.spawnSync([promtool as string, ...args], { stdin: "ignore" });
  return [exitCode === 0 ? "" : `${stdout}${stderr}`, exitCode];
}

describe("the dashboard for Grafana", () => {
  const text = readFileSync(DASHBOARD, "utf8");
  const expressions = expressionsOf(JSON.parse(text));

  test("equals the output of scripts/dashboard.ts for the present metrics", () => {
    expect(text).toBe(dashboardOf(metrics));
  });

  test("has every metric, and no unknown metric", () => {
    const named = new Set(expressions.flatMap(namesIn));
    expect([...named].toSorted()).toEqual([...metrics.keys()].toSorted());
  });

  test("includes new metrics and histograms, and its script fails for a removed name", () => {
    const more = metricsIn(
      "# HELP linnix_newer_total C.\n# TYPE linnix_newer_total counter\n" +
        'linnix_newer_total{unit="a b",container="",mode="user"} 1\n' +
        "# HELP linnix_new_seconds H.\n# TYPE linnix_new_seconds histogram\n" +
        'linnix_new_seconds_bucket{unit="x",le="1"} 1\nlinnix_new_seconds_sum{unit="x"} 1\n',
    );
    expect(more.get("linnix_newer_total")?.labels).toEqual(["unit", "container", "mode"]);
    const dashboard = JSON.parse(dashboardOf(new Map([...metrics, ...more])));
    const made = expressionsOf(dashboard).join("\n");
    expect(made).toContain("sum by (instance, unit, container, mode) (rate(linnix_newer_total{");
    expect(made).toContain("histogram_quantile(0.99, sum by (le, unit) (rate(linnix_new_seconds_bucket{");
    const fewer = new Map(metrics);
    fewer.delete("linnix_degraded");
    expect(() => dashboardOf(fewer)).toThrow("there is no metric linnix_degraded");
    const other = { ...metrics.get("linnix_degraded"), labels: ["why"] } as NonNullable<ReturnType<typeof metrics.get>>;
    expect(() => dashboardOf(new Map(metrics).set("linnix_degraded", other))).toThrow("has no label reason");
  });

  test.skipIf(noPromtool !== null)(titled("has only queries that Prometheus can read", noPromtool), () => {
    const folder = mkdtempSync(join(tmpdir(), "linnix-dashboard-"));
    try {
      const rules = expressions.map((expr, at) => ({
        record: `panel:${at}`,
        expr: expr.replaceAll("$__rate_interval", "1m").replaceAll(/\$\w+/g, ".*"),
      }));
      const file = join(folder, "panels.json");
      // JSON is valid YAML.
      writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
      expect(run("check", "rules", file)).toEqual(["", 0]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("the alerts", () => {
  const text = readFileSync(join(FOLDER, "linnix.rules.yml"), "utf8");

  test("name only existing metrics", () => {
    const names = namesIn(text);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect([name, metrics.has(name)]).toEqual([name, true]);
    const words = new Set(Array.from(text.matchAll(/(?<![\w"])([a-z_]+)\{/g), ([, name]) => name));
    for (const name of words) expect([...OF_PROMETHEUS, ...metrics.keys()]).toContain(name as string);
  });

  test("are all covered by a rule test", () => {
    const tests = readFileSync(join(FOLDER, "linnix.rules.test.yml"), "utf8");
    for (const [, name = ""] of text.matchAll(/alert: (\w+)/g)) expect(tests).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test.skipIf(noPromtool !== null)(titled("fire exactly when they are due", noPromtool), () => {
    expect(run("check", "rules", join(FOLDER, "linnix.rules.yml"))).toEqual(["", 0]);
    expect(run("test", "rules", join(FOLDER, "linnix.rules.test.yml"))).toEqual(["", 0]);
  });
});
