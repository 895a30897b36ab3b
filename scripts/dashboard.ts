/**
 * bun scripts/dashboard.ts   writes docs/grafana/linnix.json
 *
 * The panels come from the metrics that src/api/metrics.ts renders: the script fails if a metric or label does not
 * exist. Each metric without a panel gets one in the last row.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { listMetrics, type Metric } from "./metric-list.ts";

export const DASHBOARD = join(import.meta.dir, "../docs/grafana/linnix.json");

type Json = Record<string, unknown>;

interface Target {
  expr: string;
  legend: string;
}

interface Panel {
  title: string;
  /**
   * Unit of Grafana: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
   */
  unit?: string;
  kind?: "timeseries" | "stat";
  /** Width in columns. The dashboard has 24 columns. */
  width?: number;
  description?: string;
  targets: Target[];
}

interface Row {
  title: string;
  isCollapsed?: boolean;
  panels: Panel[];
}

const DATASOURCE = { type: "prometheus", uid: "$datasource" };
/** Label matchers for the chosen jobs and instances. */
const CHOSEN = 'job=~"$job",instance=~"$instance"';

/** Creates queries of existing metrics, and records which metrics they use. */
class Queries {
  readonly used = new Set<string>();
  readonly #metrics: ReadonlyMap<string, Metric>;

  constructor(metrics: ReadonlyMap<string, Metric>) {
    this.#metrics = metrics;
  }

  has(name: string): boolean {
    return this.#metrics.has(name);
  }

  /** Growth per second, for each instance. */
  rate(name: string, by: readonly string[] = [], where = ""): Target {
    const metric = this.#metric(name, by);
    if (metric.type === "gauge") throw new Error(`${name} is a gauge: it has no rate`);
    return this.#sum(`rate(${name}{${CHOSEN}${where}}[$__rate_interval])`, by);
  }

  value(name: string, by: readonly string[] = [], where = ""): Target {
    const metric = this.#metric(name, by);
    if (metric.type !== "gauge") throw new Error(`${name} is a ${metric.type}: only its rate is meaningful`);
    return this.#sum(`${name}{${CHOSEN}${where}}`, by);
  }

  /** The highest value of each instance, for a metric whose values cannot be added up. */
  highest(name: string): Target {
    this.#metric(name, []);
    return { expr: `max by (instance) (${name}{${CHOSEN}})`, legend: "{{instance}}" };
  }

  quantile(q: number, name: string, by: readonly string[] = []): Target {
    if (this.#metric(name, by).type !== "histogram") throw new Error(`${name} is no histogram`);
    const labels = ["le", ...by].join(", ");
    const expr = `histogram_quantile(${q}, sum by (${labels}) (rate(${name}_bucket{${CHOSEN}}[$__rate_interval])))`;
    return { expr, legend: `${100 * q} % ${legendOf(by)}`.trim() };
  }

  /** A panel for each metric that no other query used. */
  rest(): Panel[] {
    return [...this.#metrics.values()]
      .filter(({ name }) => !this.used.has(name))
      .map((metric) => {
        const { name, type, help, labels } = metric;
        const isRate = type === "counter";
        const target = isRate
          ? this.rate(name, labels)
          : type === "gauge"
            ? this.value(name, labels)
            : this.quantile(0.99, name, labels);
        return { title: name, width: 8, unit: unitOf(name, isRate), description: help, targets: [target] };
      });
  }

  /** The description of a panel: the help texts of its metrics. */
  help(...names: string[]): string {
    return names.map((name) => this.#metric(name, []).help).join("\n\n");
  }

  #metric(name: string, labels: readonly string[]): Metric {
    const metric = this.#metrics.get(name);
    if (!metric) throw new Error(`there is no metric ${name}`);
    const missing = labels.filter((label) => !metric.labels.includes(label));
    if (missing.length > 0) throw new Error(`${name} has no label ${missing.join(", ")}`);
    this.used.add(name);
    return metric;
  }

  #sum(expr: string, by: readonly string[]): Target {
    return {
      expr: `sum by (${["instance", ...by].join(", ")}) (${expr})`,
      legend: `{{instance}} ${legendOf(by)}`.trim(),
    };
  }
}

function legendOf(by: readonly string[]): string {
  return by.map((label) => `{{${label}}}`).join(" ");
}

function unitOf(name: string, isRate: boolean): string {
  if (/_seconds(_total)?$/.test(name)) return isRate ? "percentunit" : "s";
  if (/_bytes(_total)?$/.test(name)) return isRate ? "Bps" : "bytes";
  if (name.endsWith("_ratio")) return "percentunit";
  return isRate ? "cps" : "short";
}

function rowsOf(q: Queries): Row[] {
  const rows: Row[] = [
    {
      title: "State",
      panels: [
        {
          title: "Collecting",
          kind: "stat",
          width: 4,
          targets: [q.value("linnix_collecting")],
          description: q.help("linnix_collecting"),
        },
        {
          title: "Live processes",
          kind: "stat",
          width: 4,
          targets: [q.value("linnix_processes", ["state"], ',state="live"')],
        },
        { title: "Budget level", kind: "stat", width: 4, targets: [q.value("linnix_budget_level")] },
        {
          title: "Version",
          kind: "stat",
          width: 6,
          targets: [q.value("linnix_build_info", ["version", "backend"])],
        },
        {
          title: "Level of detail",
          kind: "stat",
          width: 6,
          targets: [only(q.value("linnix_detail_level", ["level"]))],
        },
        {
          title: "Degraded, by reason",
          width: 24,
          targets: [q.value("linnix_degraded", ["reason"])],
          description: q.help("linnix_degraded"),
        },
      ],
    },
    {
      title: "Events",
      panels: [
        {
          title: "Events in the kernel, by type",
          unit: "cps",
          targets: [q.rate("linnix_seen_events_total", ["type"])],
        },
        { title: "Events received, by type", unit: "cps", targets: [q.rate("linnix_events_total", ["type"])] },
        {
          title: "Not sent: filtered, suppressed, folded",
          unit: "cps",
          targets: [
            named("filtered", q.rate("linnix_filtered_events_total")),
            named("suppressed", q.rate("linnix_suppressed_events_total")),
            named("folded", q.rate("linnix_folded_events_total")),
          ],
        },
        {
          title: "Lost and missed",
          unit: "cps",
          targets: [
            named("lost", q.rate("linnix_lost_events_total", ["reason"])),
            named("skipped", q.rate("linnix_skipped_events_total")),
            named("unexplained forks", q.rate("linnix_unexplained_forks_total")),
            named("output", q.rate("linnix_output_lost_events_total")),
            named("sample", q.rate("linnix_lost_samples_total", ["reason"])),
          ],
          description: q.help(
            "linnix_lost_events_total",
            "linnix_output_lost_events_total",
            "linnix_lost_samples_total",
          ),
        },
      ],
    },
    {
      title: "Cost",
      panels: [
        {
          title: "CPU time, share of one core",
          unit: "percentunit",
          targets: [
            q.rate("linnix_cpu_seconds_total", ["part"]),
            named("API", q.rate("linnix_api_cpu_seconds_total")),
            named("budget", q.value("linnix_budget_limit_ratio")),
            named("cost of the last window", q.value("linnix_budget_cost_ratio")),
          ],
          description: q.help("linnix_cpu_seconds_total"),
        },
        {
          title: "Memory",
          unit: "bytes",
          targets: [
            named("resident", q.value("process_resident_memory_bytes")),
            named("anonymous", q.value("linnix_anonymous_memory_bytes")),
            named("process table", q.value("linnix_process_table_bytes")),
          ],
        },
        {
          title: "Ring fill, highest",
          unit: "percentunit",
          targets: [q.highest("linnix_ring_peak_fill_ratio")],
          description: q.help("linnix_ring_peak_fill_ratio"),
        },
        {
          title: "Delay from the event to its read, highest",
          unit: "s",
          targets: [q.highest("linnix_delivery_peak_delay_seconds")],
          description: q.help("linnix_delivery_peak_delay_seconds"),
        },
      ],
    },
    {
      title: "API",
      panels: [
        { title: "Requests, by status", unit: "cps", targets: [q.rate("linnix_api_requests_total", ["code"])] },
        {
          title: "Live events",
          unit: "cps",
          targets: [
            named("sent", q.rate("linnix_sse_sent_events_total")),
            named("missed", q.rate("linnix_sse_missed_events_total")),
          ],
        },
      ],
    },
  ];
  const groups = groupPanels(q);
  if (groups.length > 0) rows.splice(1, 0, { title: "Workload, by unit", panels: groups });
  rows.push({ title: "All other metrics", isCollapsed: true, panels: q.rest() });
  return rows;
}

/** Panels of groups, for the metrics that exist. */
function groupPanels(q: Queries): Panel[] {
  const rates: [title: string, name: string, unit: string, by: string[]][] = [
    ["CPU time, cores", "linnix_group_cpu_seconds_total", "short", ["unit", "container"]],
    ["Processes started", "linnix_group_starts_total", "cps", ["unit", "container"]],
    ["Processes ended, by result", "linnix_group_exits_total", "cps", ["unit", "container", "result"]],
    ["Bytes read", "linnix_group_read_bytes_total", "Bps", ["unit", "container"]],
    ["Bytes written", "linnix_group_written_bytes_total", "Bps", ["unit", "container"]],
  ];
  const panels: Panel[] = rates
    .filter(([, name]) => q.has(name))
    .map(([title, name, unit, by]) => ({ title, unit, targets: [top(q.rate(name, by))], description: q.help(name) }));
  for (const [title, name, unit] of [
    ["Live processes", "linnix_group_processes", "short"],
    ["Resident memory", "linnix_group_resident_memory_bytes", "bytes"],
  ] as const) {
    if (q.has(name)) panels.push({ title, unit, targets: [top(q.value(name, ["unit", "container"]))] });
  }
  const lifetime = "linnix_group_lifetime_seconds";
  if (q.has(lifetime)) {
    const targets = [q.quantile(0.5, lifetime, ["unit"]), q.quantile(0.99, lifetime, ["unit"])];
    panels.push({ title: "Lifetime of processes", unit: "s", targets });
  }
  return panels;
}

/** The ten highest series. */
function top({ expr, legend }: Target): Target {
  return { expr: `topk(10, ${expr})`, legend };
}

/** Only series above 0. */
function only({ expr, legend }: Target): Target {
  return { expr: `${expr} > 0`, legend };
}

function named(name: string, { expr, legend }: Target): Target {
  return { expr, legend: `${legend} ${name}` };
}

/** The positions of rows and panels. Panels of a row are side by side while there is room. */
function laidOut(rows: readonly Row[]): Json[] {
  const laid: Json[] = [];
  let id = 0;
  let y = 0;
  for (const { title, isCollapsed = false, panels } of rows) {
    const row: Json = { id: ++id, type: "row", title, collapsed: isCollapsed, gridPos: { x: 0, y: y++, w: 24, h: 1 } };
    const inside: Json[] = [];
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { kind = "timeseries", width = 12 } = panel;
      if (x + width > 24) {
        x = 0;
        y += height;
        height = 0;
      }
      const h = kind === "stat" ? 4 : 8;
      inside.push(panelOf(panel, ++id, { x, y, w: width, h }));
      x += width;
      height = Math.max(height, h);
    }
    y += height;
    if (isCollapsed) laid.push({ ...row, panels: inside });
    else laid.push({ ...row, panels: [] }, ...inside);
  }
  return laid;
}

function panelOf(
  { title, unit = "short", kind = "timeseries", description, targets }: Panel,
  id: number,
  gridPos: Json,
) {
  const isNamed = targets.some(({ expr }) => /build_info|detail_level/.test(expr));
  return {
    id,
    type: kind,
    title,
    ...(description && { description }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options:
      kind === "stat"
        ? { textMode: isNamed ? "name" : "auto", reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false } }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: targets.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(kind === "stat" && { instant: true }),
    })),
  };
}

function variable(name: string, label: string, query: string): Json {
  return {
    name,
    label,
    type: "query",
    datasource: DATASOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    includeAll: true,
    multi: true,
    current: { text: "All", value: "$__all" },
  };
}

/** The dashboard for these metrics, as JSON. */
export function dashboardOf(metrics: ReadonlyMap<string, Metric>): string {
  const queries = new Queries(metrics);
  const dashboard = {
    uid: "linnix",
    title: "linnix",
    description: "What linnix sees, loses and costs.",
    tags: ["linnix"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
        variable("job", "Job", "label_values(linnix_build_info, job)"),
        variable("instance", "Instance", 'label_values(linnix_build_info{job=~"$job"}, instance)'),
      ],
    },
    panels: laidOut(rowsOf(queries)),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(DASHBOARD, dashboardOf(await listMetrics()));
