/**
 * The text format that Prometheus reads, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [labels: Labels, value: number];

/** Metrics are gathered one after the other, each with all of its samples. */
export class MetricsText {
  #text = "";

  /** Only goes up; `name` ends with `_total`. */
  counter(name: string, help: string, value: number | null | readonly Sample[]): void {
    this.#metric("counter", name, help, value);
  }

  /** Goes up and down. */
  gauge(name: string, help: string, value: number | null | readonly Sample[]): void {
    this.#metric("gauge", name, help, value);
  }

  toString(): string {
    return this.#text;
  }

  /** A metric without a value is left out: it is not known, which is not 0. */
  #metric(type: string, name: string, help: string, value: number | null | readonly Sample[]): void {
    const samples: readonly Sample[] = value === null ? [] : typeof value === "number" ? [[{}, value]] : value;
    if (samples.length === 0) return;
    this.#text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (const [labels, number] of samples) this.#text += `${name}${labelText(labels)} ${number}\n`;
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
