/**
 * Do `compare-with-polling` and `overhead-test` agree about linnix, and with its cost as measured from outside?
 *
 * Runs both in turn on the same machine at the same rate, and reads the collector's CPU time (its CPU clock) and the
 * run time of its BPF programs (bpftool) while the workload has its steady rate. Prints the ratios with their spread:
 * `sudo bun bench/compare-agrees.ts [--rounds N] [--rate N] [--duration 20s] [--json]`, about two minutes a round after
 * `npm run build`. Required: 0.8 to 1.2 between the two, and 0.75 to 1.25 between either and the measurement from
 * outside.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatNumber } from "../src/report/format.ts";
import { median } from "../src/stats/quantile.ts";
import { processCpuClockId, readClockNs } from "../src/sys/clock.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "100" },
    duration: { type: "string", default: "20s" },
    json: { type: "boolean", default: false },
  },
});
const RATE = Number(values.rate);
const LINNIX = process.env.LINNIX ?? join(import.meta.dir, "../dist/linnix");

const SAMPLE_MS = 1000;
/**
 * First samples of a steady rate, which do not count, because the collector still reads earlier events. A window of the
 * comparison lasts for only four samples.
 */
const LEAD_SAMPLES = { overhead: 2, compare: 1 } as const;

/** The kernel's figures of one collector at one moment. */
interface Look {
  pid: number;
  atNs: number;
  cpuNs: number;
  runNs: number;
  forks: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The collector among the descendants of a run. In a comparison it is the child of a process that supervises it. */
function collectorOf(run: number): number | null {
  for (const tid of entries(`/proc/${run}/task`)) {
    for (const child of read(`/proc/${run}/task/${tid}/children`)
      .split(" ")
      .filter((pid) => pid !== "")) {
      const isCollector = read(`/proc/${child}/cmdline`).split("\0")[1] === "collect";
      const pid = isCollector ? Number(child) : collectorOf(Number(child));
      if (pid !== null) return pid;
    }
  }
  return null;
}

/** Run time of the BPF programs that a process has loaded and other processes run, by bpftool, ns. */
async function runTimeNs(pid: number): Promise<number> {
  const held = new Set(
    entries(`/proc/${pid}/fdinfo`).flatMap(
      (fd) => /^prog_id:\t(\d+)/m.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1] ?? [],
    ),
  );
  const bpftool = Bun.spawn(["bpftool", "--json", "prog", "show"], { stderr: "ignore" });
  const programs = (await new Response(bpftool.stdout).json()) as { id: number; name?: string; run_time_ns?: number }[];
  return programs
    .filter(({ id, name }) => held.has(String(id)) && /^(handle|retry|follow)_/.test(name ?? ""))
    .reduce((sum, { run_time_ns = 0 }) => sum + run_time_ns, 0);
}

async function look(pid: number): Promise<Look> {
  const runNs = await runTimeNs(pid);
  // The clock of the process includes the time of ended threads.
  const clock = processCpuClockId(pid);
  const cpuNs = Number((clock === null ? null : readClockNs(clock)) ?? 0);
  const forks = Number(/^processes (\d+)$/m.exec(read("/proc/stat"))?.[1]);
  return { pid, atNs: Bun.nanoseconds(), cpuNs, runNs, forks };
}

/** CPU time per process measured from outside, µs, over samples in which the collector saw the requested rate. */
function outsideUs(looks: readonly Look[], leadSamples: number): number {
  let steady = 0;
  const used = { ns: 0, forks: 0 };
  looks.forEach((now, index) => {
    const before = looks[index - 1];
    const forks = before === undefined ? 0 : now.forks - before.forks;
    const perSecond = before === undefined ? 0 : forks / ((now.atNs - before.atNs) / 1e9);
    const isSteady = before?.pid === now.pid && perSecond > 0.75 * RATE && perSecond < 1.4 * RATE;
    steady = isSteady ? steady + 1 : 0;
    if (before === undefined || steady <= leadSamples) return;
    used.ns += now.cpuNs - before.cpuNs + now.runNs - before.runNs;
    used.forks += forks;
  });
  return used.ns / 1000 / used.forks;
}

async function run<Report>(words: string[]): Promise<{ report: Report; looks: Look[] }> {
  const child = Bun.spawn([LINNIX, ...words, "--json", "-"], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const output = new Response(child.stdout).text();
  const looks: Look[] = [];
  while (child.exitCode === null) {
    const pid = collectorOf(child.pid);
    if (pid !== null) looks.push(await look(pid).catch(() => [] as never));
    await Promise.race([Bun.sleep(SAMPLE_MS), child.exited]);
  }
  return { report: JSON.parse(await output) as Report, looks: looks.filter(({ cpuNs }) => cpuNs > 0) };
}

/** The samples of the collector that ran longest; the others belong to the cold-start part. */
function longest(looks: readonly Look[]): Look[] {
  const byPid = [...Map.groupBy(looks, ({ pid }) => pid).values()];
  return byPid.reduce((most, each) => (each.length > most.length ? each : most), []);
}

async function overhead() {
  const words = ["overhead-test", "--rate", values.rate, "--duration", values.duration, "--baseline", "1s"];
  const { report, looks } = await run<{ total: { us_per_process: number } }>(words);
  return { us: report.total.us_per_process, outside: outsideUs(longest(looks), LEAD_SAMPLES.overhead) };
}

async function compare() {
  const words = ["compare", "--methods", "linnix", "--processes", "none", "--rate", values.rate];
  const { report, looks } = await run<{ rows: { us_per_process: number }[] }>(words);
  return { us: report.rows[0]?.us_per_process ?? Number.NaN, outside: outsideUs(looks, LEAD_SAMPLES.compare) };
}

const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const first = round % 2 === 0 ? { overhead: await overhead() } : { compare: await compare() };
  const both = { overhead: first.overhead ?? (await overhead()), compare: first.compare ?? (await compare()) };
  rounds.push(both);
  if (!values.json) console.error(JSON.stringify(both));
}

const ratios = {
  "compare to overhead-test": rounds.map((each) => each.compare.us / each.overhead.us),
  "compare to outside": rounds.map((each) => each.compare.us / each.compare.outside),
  "overhead-test to outside": rounds.map((each) => each.overhead.us / each.overhead.outside),
};
if (values.json) {
  console.log(JSON.stringify({ rounds, ratios }));
} else {
  const text = (figures: number[]): string =>
    `${formatNumber(median(figures))} [${formatNumber(Math.min(...figures))}, ${formatNumber(Math.max(...figures))}]`;
  console.log(`µs a process  compare ${text(rounds.map((each) => each.compare.us))}, from outside`);
  console.log(`              ${text(rounds.map((each) => each.compare.outside))}`);
  console.log(`              overhead-test ${text(rounds.map((each) => each.overhead.us))}, from outside`);
  console.log(`              ${text(rounds.map((each) => each.overhead.outside))}`);
  for (const [name, figures] of Object.entries(ratios)) console.log(`${name}: ${text(figures)}`);
}
