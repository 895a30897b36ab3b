/**
 * The two text formats that Prometheus reads: its own, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), and OpenMetrics 1.0.0
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/).
 */
export type MetricsFormat = "prometheus" | "openmetrics";

const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Labels of a sample. Labels that many samples share are given as text, such as `a="1",b="2"`. */
type Labels = Readonly<Record<string, string | number>> | string;
/** A series of a histogram: for each bound, the number of values up to it; and the sum of all values. */
type Distribution = readonly [labels: Labels, cumulative: readonly number[], sum: number];
type Sample = readonly [labels: Labels, value: number];

/** Builds the text of `/metrics`: one metric after the other, each with all of its samples. */
export class MetricsText {
  readonly #format: MetricsFormat;
  #text = "";

  constructor(format: MetricsFormat = "prometheus") {
    this.#format = format;
  }

  get contentType(): string {
    return CONTENT_TYPES[this.#format];
  }

  /** Adds a metric that only increases. `name` ends with `_total`. */
  counter(name: string, help: string, value: number | null | readonly Sample[]): void {
    // In OpenMetrics the name of the family lacks the suffix `_total` of its samples.
    const family = this.#format === "openmetrics" ? name.replace(/_total$/, "") : name;
    this.#metric("counter", family, name, help, value);
  }

  /** Adds a metric that can increase and decrease. */
  gauge(name: string, help: string, value: number | null | readonly Sample[]): void {
    this.#metric("gauge", name, name, help, value);
  }

  /** @param bounds in ascending order, the last one infinite */
  histogram(name: string, help: string, bounds: readonly number[], distributions: readonly Distribution[]): void {
    if (distributions.length === 0) return;
    this.#head("histogram", name, help);
    for (const [labels, cumulative, sum] of distributions) {
      const pairs = labelPairs(labels);
      for (const [at, bound] of bounds.entries()) {
        const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound);
        this.#text += `${name}_bucket${braced(pairs === "" ? `le="${le}"` : `${pairs},le="${le}"`)} ${cumulative[at] ?? 0}\n`;
      }
      this.#text += `${name}_sum${braced(pairs)} ${sum}\n`;
      this.#text += `${name}_count${braced(pairs)} ${cumulative.at(-1) ?? 0}\n`;
    }
  }

  toString(): string {
    return this.#format === "openmetrics" ? `${this.#text}# EOF\n` : this.#text;
  }

  /** Leaves out a metric without a value, because an unknown value is not 0. */
  #metric(type: string, family: string, name: string, help: string, value: number | null | readonly Sample[]): void {
    const samples: readonly Sample[] = value === null ? [] : typeof value === "number" ? [[{}, value]] : value;
    if (samples.length === 0) return;
    this.#head(type, family, help);
    for (const [labels, number] of samples) this.#text += `${name}${braced(labelPairs(labels))} ${number}\n`;
  }

  #head(type: string, family: string, help: string): void {
    const escaped = this.#format === "openmetrics" ? escapeLabel(help) : escapeHelp(help);
    this.#text += `# HELP ${family} ${escaped}\n# TYPE ${family} ${type}\n`;
  }
}

/** Labels as they are written, without braces. */
export function labelPairs(labels: Labels): string {
  if (typeof labels === "string") return labels;
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(String(value))}"`)
    .join(",");
}

const braced = (pairs: string) => (pairs === "" ? "" : `{${pairs}}`);

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
