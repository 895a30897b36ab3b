/**
 * What the first ten seconds of a fresh collector cost: one under a workload and one on an idle machine, in turn, each
 * from its exec on. Prints the difference divided by the number of the workload's processes: the median of the rounds
 * and their spread.
 *
 * `sudo bun bench/cold.ts [--rounds N] [--seconds 10] [--rate 200] [--against BINARY]`, 20 s a round after `npm run
 * build`. With `--against`, a round takes twice as long, and the ratio of the two builds is printed.
 */
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatNumber } from "../src/report/format.ts";
import { median, quantile } from "../src/stats/quantile.ts";
import { processCpuClockId, readClockNs } from "../src/sys/clock.ts";
import { runWorkload } from "../src/workload/run-workload.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    rate: { type: "string", default: "200" },
    format: { type: "string", default: "jsonl" },
    against: { type: "string" },
  },
});
const DURATION_MS = Number(values.seconds) * 1000;
/**
 * Time between the end of the workload and that of the measurement. The rings are read once a second, so the last
 * events are read by then.
 */
const LEAD_OUT_MS = 1200;
/** Maximum time from exec until a collector watches. The workload begins after it. */
const START_MS = 500;
const LINNIX = process.env.LINNIX ?? join(import.meta.dir, "../dist/linnix");
const WORKLOAD = [LINNIX, "__workload"];

const folder = mkdtempSync(join(tmpdir(), "cold-"));
const output = join(folder, "events.jsonl");

interface Start {
  /** CPU time at the beginning of the workload, and at the end, ns. */
  startNs: number;
  cpuNs: number;
  spawned: number;
}

async function start(binary: string, rate: number): Promise<Start> {
  const stdout = openSync(output, "w");
  const began = performance.now();
  const child = Bun.spawn([binary, "collect", "--format", values.format], {
    stdin: "ignore",
    stdout,
    stderr: "ignore",
    env: { PATH: "/usr/bin:/bin" },
  });
  closeSync(stdout);
  const clock = processCpuClockId(child.pid);
  const read = (): number => Number((clock === null ? null : readClockNs(clock)) ?? Number.NaN);
  const mix = [{ program: "true" as const, share: 1 }];
  const durationMs = DURATION_MS - START_MS - LEAD_OUT_MS;
  await using workload = rate === 0 ? null : runWorkload({ mix, rate, durationMs }, { command: WORKLOAD });
  await workload?.ready;
  await Bun.sleep(START_MS - (performance.now() - began));
  const startNs = read();
  await workload?.start();
  const spawned = (await workload?.done)?.spawned ?? 0;
  await Bun.sleep(DURATION_MS - (performance.now() - began));
  const cpuNs = read();
  child.kill("SIGTERM");
  await child.exited;
  return { startNs, cpuNs, spawned };
}

/**
 * CPU time per process, µs: from the exec on, and from the beginning of the workload on. The difference to an idle
 * collector removes the cost of the start.
 */
async function round(binary: string): Promise<{ fromExec: number; sinceStart: number }> {
  const loaded = await start(binary, Number(values.rate));
  const idle = await start(binary, 0);
  const since = ({ cpuNs, startNs }: Start): number => cpuNs - startNs;
  return {
    fromExec: (loaded.cpuNs - idle.cpuNs) / 1000 / loaded.spawned,
    sinceStart: (since(loaded) - since(idle)) / 1000 / loaded.spawned,
  };
}

const binaries = values.against === undefined ? [LINNIX] : [LINNIX, values.against];
const figures = new Map<string, { fromExec: number; sinceStart: number }[]>(binaries.map((binary) => [binary, []]));
for (let index = 0; index < Number(values.rounds); index++) {
  for (const binary of index % 2 === 0 ? binaries : binaries.toReversed()) {
    figures.get(binary)?.push(await round(binary));
  }
}
rmSync(folder, { recursive: true });

function text(each: readonly number[]): string {
  const [low, middle, high] = [quantile(each, 0.25), median([...each]), quantile(each, 0.75)].map((value) =>
    formatNumber(value),
  );
  return `${middle} [${low}, ${high}]`;
}

console.log(`µs a process in the first ${values.seconds} s at ${values.rate} a second: median [quartiles]`);
for (const [binary, each] of figures) {
  const since = text(each.map(({ sinceStart }) => sinceStart));
  console.log(`${binary}: ${since} since it was watching, ${text(each.map(({ fromExec }) => fromExec))} from exec`);
}
const [own, other] = binaries.map((binary) => figures.get(binary)?.map(({ sinceStart }) => sinceStart) ?? []);
if (other !== undefined)
  console.log(`ratio ${text((own ?? []).map((us, index) => us / (other[index] ?? Number.NaN)))}`);
