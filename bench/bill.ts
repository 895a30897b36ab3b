/**
 * Do the metrics of the groups add up to the machine's busy time, and how much of that time does a scrape of /proc
 * find?
 *
 *   sudo bun bench/bill.ts [--seconds 60] [--json] [--linnix BINARY] [--only on,off]
 *
 * Units under load: two units together start 200 short processes per second, each with 1–2 ms of CPU time. A third one
 * runs longer processes one after the other, and in the last one processes are busy all the time. The last two take 30
 * % of the machine together. A collector with groups and the process-exporter of Debian are scraped at the same time,
 * every 15 s: once while the collector samples, and once with sampling off, when each scrape makes it scan the
 * processes.
 *
 * The truth: wait4(2) returns the CPU time of all processes that a unit ran and waited for. The CPU clocks of the busy
 * processes return theirs, and /proc/stat that of the machine.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type MachineTime, readMachineTime } from "../src/procfs/machine-time.ts";
import { ProcessClock } from "../src/procfs/process-clock.ts";
import type { Spawned } from "./bill-load.ts";
import { type Bill, BOUND, billText, type UnitBill } from "./bill-text.ts";
import { ENDS_WITH_BENCH, Units } from "./bill-units.ts";
import { allExportedCpuS, exportedOf, HOW_TO_GET, ProcessExporter } from "./process-exporter.ts";
import { type Series, seriesOf } from "./prometheus-text.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    json: { type: "boolean", default: false },
    linnix: { type: "string", default: join(import.meta.dir, "../dist/linnix") },
    only: { type: "string", default: "on,off" },
  },
});
const LINNIX = options.linnix;
const SCRAPE_MS = 15_000;
/** Time before the first scrape, so that the start is not part of the comparison. */
const WARM_MS = 5_000;
/** Time between the end of the load and the last scrape. */
const REST_MS = 3_000;
const CPUS = availableParallelism();

interface Load {
  unit: string;
  args: string[];
}

const SPAWNING: readonly Load[] = [
  { unit: "bill-short-a.service", args: ["spawn", "120", "1000", "2000"] },
  { unit: "bill-short-b.service", args: ["spawn", "80", "1000", "2000"] },
  { unit: "bill-longer.service", args: ["spawn", "1", `${1e5 * CPUS * 0.8}`, `${1e5 * CPUS * 1.2}`] },
];
const BUSY_UNIT = "bill-busy.service";
/** Each takes 20 % of a core. */
const BUSY: readonly Load[] = Array.from({ length: CPUS }, () => ({ unit: BUSY_UNIT, args: ["busy", "0.2"] }));

const programOf = (args: readonly string[]) => [process.execPath, join(import.meta.dir, "bill-load.ts"), ...args];

/** Compiles the short process. */
function makeBurn(folder: string): string {
  const path = join(folder, "burn");
  const gcc = Bun.which("gcc");
  if (gcc === null) throw new Error("needs gcc: apt-get install --no-install-recommends gcc libc6-dev");
  const made = Bun.spawnSync([gcc, "-O2", "-static", "-o", path, join(import.meta.dir, "burn.c")]);
  if (!made.success) throw new Error(`gcc: ${made.stderr}`);
  return path;
}

const ending = Promise.withResolvers<never>();
ending.promise.catch(() => {});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.on(signal, () => {
    process.exitCode = code;
    ending.reject(new Error(`ended by ${signal}`));
  });
}
/** Ends early if the bench is interrupted, so that everything that it made is removed. */
const sleep = (ms: number) => Promise.race([Bun.sleep(Math.max(0, ms)), ending.promise]);

/** A collector whose metrics are scraped. */
class Collector implements AsyncDisposable {
  private constructor(
    readonly child: Bun.Subprocess,
    readonly folder: string,
    readonly clock: ProcessClock,
  ) {}

  static async start(args: readonly string[]): Promise<Collector> {
    const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
    const listen = ["--listen", `unix:${join(folder, "socket")}`, "--cpu-budget", "0"];
    const child = Bun.spawn([...ENDS_WITH_BENCH, LINNIX, "collect", "--format", "none", ...listen, ...args], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    const clock = ProcessClock.open(child.pid);
    for (let tries = 0; tries < 200 && clock !== null; tries++) {
      await Bun.sleep(50);
      const collector = new Collector(child, folder, clock);
      if ((await collector.get("/readyz").catch(() => null))?.ok) return collector;
    }
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
    throw new Error(`${LINNIX} does not watch: run it as root to see why`);
  }

  get(path: string): Promise<Response> {
    return fetch(`http://localhost${path}`, { unix: join(this.folder, "socket") });
  }

  async scrape(): Promise<Series[]> {
    return seriesOf(await (await this.get("/metrics")).text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.exited;
    rmSync(this.folder, { recursive: true });
  }
}

interface Reading {
  linnix: Series[];
  exporter: Series[] | null;
  machine: MachineTime;
  ownNs: { linnix: number; exporter: number };
  busyNs: number;
}

const cpuNs = (clock: ProcessClock | undefined) => Number(clock?.read()?.cpuNs ?? 0n);

async function bill(sampling: boolean, burn: string): Promise<Bill> {
  await using units = new Units();
  const busy = BUSY.map((load) => units.run(load.unit, programOf(load.args)));
  const busyClocks = busy.map(({ pid }) => ProcessClock.open(pid) as ProcessClock);
  await using collector = await Collector.start(sampling ? [] : ["--sample-interval", "0"]);
  await using exporter = await ProcessExporter.start();
  const read = async (): Promise<Reading> => {
    const machine = readMachineTime();
    if (machine === null) throw new Error("/proc/stat has no CPU time");
    const busyNs = busyClocks.reduce((sum, clock) => sum + cpuNs(clock), 0);
    const linnix = await collector.scrape();
    const ownNs = { linnix: cpuNs(collector.clock), exporter: cpuNs(exporter?.clock) };
    return { linnix, exporter: (await exporter?.scrape()) ?? null, machine, ownNs, busyNs };
  };
  await sleep(WARM_MS);
  const readings = [await read()];
  const fromMs = performance.now();
  const spawning = SPAWNING.map(({ unit, args }) => ({ unit, child: units.run(unit, programOf([...args, burn])) }));
  const endMs = fromMs + 1000 * Number(options.seconds);
  for (let dueMs = fromMs + SCRAPE_MS; dueMs < endMs - REST_MS; dueMs += SCRAPE_MS) {
    await sleep(dueMs - performance.now());
    readings.push(await read());
  }
  await sleep(endMs - REST_MS - performance.now());
  const truths = [];
  for (const { unit, child } of spawning) {
    child.kill("SIGTERM");
    const spawned = JSON.parse(await new Response(child.stdout).text()) as Spawned;
    await child.exited;
    truths.push({ unit, spawned, cpuS: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6 });
  }
  await sleep(endMs - performance.now());
  readings.push(await read());
  return billOf(sampling, readings, truths);
}

interface Truth {
  unit: string;
  spawned: Spawned;
  cpuS: number;
}

function billOf(sampling: boolean, readings: readonly Reading[], truths: readonly Truth[]): Bill {
  const [first, last] = [readings[0], readings.at(-1)] as [Reading, Reading];
  const seconds = (last.machine.nowNs - first.machine.nowNs) / 1e9;
  const grown = (isIt: (series: Series) => boolean) => sumOf(last.linnix, isIt) - sumOf(first.linnix, isIt);
  const named = (name: string) => grown((series) => series.name === name);
  const idleNs = ({ idleNs, iowaitNs, stealNs }: MachineTime) => idleNs + iowaitNs + stealNs;
  const kinds = last.linnix.filter(({ name }) => name === "linnix_unattributed_cpu_seconds_total");
  const linnixS = named("linnix_machine_busy_cpu_seconds_total");
  const unexplainedS = named("linnix_unexplained_cpu_seconds_total");
  return {
    sampling,
    seconds,
    cpus: CPUS,
    busy: {
      statS: seconds * CPUS - (idleNs(last.machine) - idleNs(first.machine)) / 1e9,
      ticksS: (last.machine.countedNs - first.machine.countedNs) / 1e9,
      linnixS,
    },
    groupsS: named("linnix_group_cpu_seconds_total"),
    endedS: named("linnix_ended_groups_cpu_seconds_total"),
    unattributedS: Object.fromEntries(
      kinds.map(({ name, labels }) => [
        labels.replace(/^kind="|"$/g, ""),
        grown((series) => series.name === name && series.labels === labels),
      ]),
    ),
    unexplainedS,
    isWithinBound: unexplainedS <= Math.max(BOUND.ofBusy * linnixS, BOUND.ofCapacity * seconds * CPUS),
    units: [
      ...truths.map(({ unit, spawned: { started, cpuUs }, cpuS }) => {
        const found = readings.slice(1).map(({ exporter }) => exporter && exportedOf(exporter, unit).processes);
        return {
          ...unitBill(unit, cpuS, readings),
          started: {
            truth: started,
            linnix: grown(({ name, labels }) => name === "linnix_group_starts_total" && isOf(labels, unit)),
            // Each process lives for less than the time between two scrapes. One is the process that starts the others.
            exporter: first.exporter && found.reduce<number>((sum, live) => sum + Math.max(0, (live ?? 0) - 1), 0),
          },
          cpuUs,
        };
      }),
      { ...unitBill(BUSY_UNIT, (last.busyNs - first.busyNs) / 1e9, readings), started: null, cpuUs: null },
    ],
    own: {
      linnixS: (last.ownNs.linnix - first.ownNs.linnix) / 1e9,
      exporterS: first.exporter && (last.ownNs.exporter - first.ownNs.exporter) / 1e9,
    },
    exporterS: first.exporter && allExportedCpuS(last.exporter ?? []) - allExportedCpuS(first.exporter),
  };
}

const isOf = (labels: string, unit: string) => labels.includes(`unit="${unit}"`);

const sumOf = (all: readonly Series[], isIt: (series: Series) => boolean) =>
  all.reduce((sum, series) => (isIt(series) ? sum + series.value : sum), 0);

function unitBill(unit: string, truth: number, readings: readonly Reading[]): Pick<UnitBill, "unit" | "cpuS"> {
  const [first, last] = [readings[0], readings.at(-1)] as [Reading, Reading];
  const isCpu = ({ name, labels }: Series) => name === "linnix_group_cpu_seconds_total" && isOf(labels, unit);
  const exported = ({ exporter }: Reading) => exporter && exportedOf(exporter, unit).cpuS;
  const [from, to] = [exported(first), exported(last)];
  return {
    unit,
    cpuS: {
      truth,
      linnix: sumOf(last.linnix, isCpu) - sumOf(first.linnix, isCpu),
      exporter: from === null || to === null ? null : to - from,
    },
  };
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("needs root: sudo bun bench/bill.ts");
  if (!existsSync(LINNIX)) throw new Error(`there is no ${LINNIX}: npm run build`);
  const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  const burn = makeBurn(folder);
  const bills: Bill[] = [];
  for (const mode of options.only.split(",")) {
    const one = await bill(mode === "on", burn);
    bills.push(one);
    if (!options.json) console.log(`${billText(one)}\n`);
  }
  const skipped = bills.every(({ exporterS }) => exporterS === null) ? HOW_TO_GET : null;
  if (options.json) console.log(JSON.stringify({ bills, exporter_skipped: skipped }));
  else if (skipped !== null) console.log(`process-exporter is left out: ${skipped}`);
}

try {
  await main();
} catch (error) {
  console.error(`bill: ${(error as Error).message}`);
  process.exitCode ||= 3;
}
process.exit();
