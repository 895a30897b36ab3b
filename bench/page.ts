/**
 * What the live page costs a collector: its CPU time with the page open in Chromium and without, in turn, under the
 * same load. The page is open for `--warm` before the first window, so that all code that it needs is compiled.
 *
 *   sudo bun bench/page.ts [--rate 200] [--warm 240] [--windows 4] [--window 20]
 *
 * Printed: its own CPU time and that of its BPF programs, % of one core, and the level of its budget. Required: 1 %
 * with the page open at 200 processes per second.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatNumber } from "../src/report/format.ts";
import { median } from "../src/stats/quantile.ts";
import { processCpuClockId, readClockNs } from "../src/sys/clock.ts";
import { runWorkload } from "../src/workload/run-workload.ts";
import { Chromium } from "../test/report/chromium.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "200" },
    warm: { type: "string", default: "240" },
    windows: { type: "string", default: "4" },
    window: { type: "string", default: "20" },
  },
});
const LINNIX = process.env.LINNIX ?? join(import.meta.dir, "../dist/linnix");
const WINDOW_MS = 1000 * Number(values.window);
const WARM_MS = 1000 * Number(values.warm);
/** Pause after the page was opened or closed. */
const SETTLE_MS = 5000;

interface Status {
  events_per_second: number | null;
  cost: { in_kernel_cpu_pct: number | null };
  budget: { level: number } | null;
  lost: number;
}

const child = Bun.spawn([LINNIX, "collect", "--format", "none", "--listen", "127.0.0.1:0"], {
  stdio: ["ignore", "ignore", "pipe"],
  env: { PATH: "/usr/bin:/bin" },
});
const clock = processCpuClockId(child.pid);

async function address(): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = child.stderr.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the collector ended: ${text}`);
    text += decoder.decode(value, { stream: true });
    const url = /answering at (\S+)/.exec(text)?.[1];
    if (url === undefined) continue;
    void (async () => {
      for (let read = await reader.read(); !read.done; read = await reader.read()) process.stderr.write(read.value);
    })();
    return url;
  }
}

/** Own CPU time of the collector, % of one core. */
async function ownPct(): Promise<number> {
  const read = () => Number((clock === null ? null : readClockNs(clock)) ?? Number.NaN);
  const [cpuNs, began] = [read(), Bun.nanoseconds()];
  await Bun.sleep(WINDOW_MS);
  return (100 * (read() - cpuNs)) / (Bun.nanoseconds() - began);
}

function show(name: string, figures: readonly number[]): void {
  const [lowest, highest] = [Math.min(...figures), Math.max(...figures)].map((figure) => formatNumber(figure));
  console.log(`${name.padEnd(8)}${formatNumber(median(figures))} [${lowest}, ${highest}] % of a core`);
}

try {
  const url = await address();
  const windows = Number(values.windows);
  const durationMs = WARM_MS + 2 * windows * (WINDOW_MS + SETTLE_MS) + 60_000;
  const mix = [{ program: "true" as const, share: 1 }];
  await using workload = runWorkload(
    { mix, rate: Number(values.rate), durationMs },
    { command: [LINNIX, "__workload"] },
  );
  await workload.start();
  await using chromium = await Chromium.start();
  const open = async (page: string) => {
    await chromium.open(page, { width: 1280, scheme: "light" });
    await Bun.sleep(SETTLE_MS);
  };
  await open(url);
  await Bun.sleep(WARM_MS);
  const figures: Record<"open" | "closed", number[]> = { open: [], closed: [] };
  for (let i = 0; i < windows; i++) {
    await open(url);
    figures.open.push(await ownPct());
    await open("about:blank");
    figures.closed.push(await ownPct());
  }
  for (const [name, of] of Object.entries(figures)) show(name, of);
  const { cost, budget, lost, events_per_second } = (await (await fetch(`${url}status`)).json()) as Status;
  const kernel = cost.in_kernel_cpu_pct;
  console.log(`in BPF programs ${kernel} %, ${events_per_second} events/s, level ${budget?.level}, lost ${lost}`);
} finally {
  child.kill("SIGTERM");
  await child.exited;
}
