import { COUNTERS, madeUpGroups, PAGE_FAULTS, startMadeUp } from "../test/api/made-up.ts";

export interface Metric {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  /** Labels of its samples; `le` of a histogram is left out. */
  labels: readonly string[];
}

/** Every metric of linnix, by its name: the output of src/api/metrics.ts when every value is known. */
export async function listMetrics(): Promise<Map<string, Metric>> {
  await using server = await startMadeUp();
  server.source.shownGroups = madeUpGroups();
  server.source.told = { counters: { ...COUNTERS, page_faults: PAGE_FAULTS } };
  return metricsIn(await (await fetch(server.url("/metrics"))).text());
}

/** The metrics of a text in the Prometheus exposition format. */
export function metricsIn(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  for (const [, name = "", help = "", type, sample = ""] of text.matchAll(
    /^# HELP (\S+) (.*)\n# TYPE \1 (\w+)\n(.+)$/gm,
  )) {
    const labels = Array.from(sample.matchAll(/[{,](\w+)="/g), ([, label]) => label as string);
    metrics.set(name, {
      name,
      type: type as Metric["type"],
      help: help.replaceAll("\\n", "\n").replaceAll("\\\\", "\\"),
      labels: labels.filter((label) => label !== "le"),
    });
  }
  return metrics;
}
