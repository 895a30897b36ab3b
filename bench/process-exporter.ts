import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProcessClock } from "../src/procfs/process-clock.ts";
import { ENDS_WITH_BENCH } from "./bill-units.ts";
import { type Series, seriesOf } from "./prometheus-text.ts";

const PROGRAM = "prometheus-process-exporter";
export const HOW_TO_GET = `needs ${PROGRAM}: apt-get install --no-install-recommends ${PROGRAM}`;

/** All processes with a command line, by cgroup. Kernel threads have none. */
const CONFIG = `process_names:\n  - name: "{{.Cgroups}}"\n    cmdline:\n      - '.+'\n`;

/** The figures of process-exporter for a unit. */
export interface Exported {
  cpuS: number;
  /** Number of live processes that it sees. */
  processes: number;
}

/** The process-exporter of Debian, which reads /proc at each scrape. */
export class ProcessExporter implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #folder: string;
  readonly #url: string;
  readonly clock: ProcessClock;

  private constructor(child: Bun.Subprocess, folder: string, url: string, clock: ProcessClock) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
    this.clock = clock;
  }

  /** @returns null if it is not installed */
  static async start(): Promise<ProcessExporter | null> {
    const path = Bun.which(PROGRAM);
    if (path === null) return null;
    const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
    const config = join(folder, "all.yaml");
    writeFileSync(config, CONFIG);
    const address = `127.0.0.1:${freePort()}`;
    const child = Bun.spawn([...ENDS_WITH_BENCH, path, "-config.path", config, "-web.listen-address", address], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    const clock = ProcessClock.open(child.pid);
    const url = `http://${address}/metrics`;
    for (let tries = 0; tries < 100; tries++) {
      await Bun.sleep(50);
      const answer = await fetch(url).catch(() => null);
      if (answer?.ok && clock) return new ProcessExporter(child, folder, url, clock);
    }
    child.kill("SIGKILL");
    throw new Error(`${PROGRAM} does not answer at ${url}`);
  }

  async scrape(): Promise<Series[]> {
    return seriesOf(await (await fetch(this.#url)).text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true });
  }
}

export function exportedOf(series: readonly Series[], unit: string): Exported {
  const own = series.filter(({ labels }) => labels.includes(`/${unit}`));
  const sum = (name: string) => own.reduce((all, each) => (each.name === name ? all + each.value : all), 0);
  return { cpuS: sum("namedprocess_namegroup_cpu_seconds_total"), processes: sum("namedprocess_namegroup_num_procs") };
}

export function allExportedCpuS(series: readonly Series[]): number {
  const name = "namedprocess_namegroup_cpu_seconds_total";
  return series.reduce((all, each) => (each.name === name ? all + each.value : all), 0);
}

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = server;
  server.stop(true);
  return port as number;
}
