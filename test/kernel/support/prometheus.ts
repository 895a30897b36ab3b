import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./collect-run.ts";
import { programPath } from "./needs.ts";

/** One series of a range: timestamps in seconds, and values. */
export interface Series {
  metric: Record<string, string>;
  values: [number, string][];
}

interface Rule {
  name: string;
  health: string;
  lastError?: string;
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

export interface PrometheusOptions {
  /** `host:port` of the scrape target, which has the job name linnix. */
  target: string;
  intervalMs: number;
  /** Absolute path of a rule file. */
  rules?: string;
}

/** A running Prometheus with a temporary data folder. */
export class Prometheus implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}/`;
    this.#child = Bun.spawn(
      [
        programPath("prometheus") as string,
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
  }

  static async start({ target, intervalMs, rules }: PrometheusOptions): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), "linnix-prometheus-"));
    const interval = `${intervalMs}ms`;
    const config = {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: rules === undefined ? [] : [rules],
      scrape_configs: [{ job_name: "linnix", static_configs: [{ targets: [target] }] }],
    };
    // JSON is valid YAML.
    writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
    const prometheus = new Prometheus(folder, await freePort());
    await until("Prometheus", async () => (await prometheus.#get("-/ready"))?.ok);
    return prometheus;
  }

  /** The values of an instant query, one for each series. */
  async values(query: string): Promise<string[]> {
    const result = await this.#data<{ result: { value: [number, string] }[] }>(`query?${asked({ query })}`);
    return result?.result.map(({ value }) => value[1]) ?? [];
  }

  /** The raw samples of a selector. */
  async samples(selector: string): Promise<Series[]> {
    const result = await this.#data<{ result: Series[] }>(`query?${asked({ query: `${selector}[1h]` })}`);
    return result?.result ?? [];
  }

  async range(query: string, startS: number, endS: number, stepS: number): Promise<Series[]> {
    const text = asked({ query, start: startS, end: endS, step: stepS });
    return (await this.#data<{ result: Series[] }>(`query_range?${text}`))?.result ?? [];
  }

  async targets(): Promise<{ health: string; lastError: string }[]> {
    const data = await this.#data<{ activeTargets: { health: string; lastError: string }[] }>("targets");
    return data?.activeTargets ?? [];
  }

  async rules(): Promise<Rule[]> {
    const data = await this.#data<{ groups: { rules: Rule[] }[] }>("rules");
    return data?.groups.flatMap(({ rules }) => rules) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @throws Error with the error message of Prometheus */
  async #data<T>(path: string): Promise<T | undefined> {
    const answer = await this.#get(`api/v1/${path}`);
    if (answer === undefined) return undefined;
    const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: T };
    if (status !== "success") throw new Error(`Prometheus: ${error}: ${path}`);
    return data;
  }

  #get(path: string): Promise<Response | undefined> {
    return fetch(this.#url + path).catch(() => undefined);
  }
}

function asked(values: Record<string, string | number>): string {
  const texts = Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]);
  return String(new URLSearchParams(texts));
}
