/**
 * How precisely and cheaply the workload generator spawns: requested and achieved rate, lateness, and the spawner's own
 * CPU time per process. The control is the same programs started by Bun.spawn in the same run.
 *
 *   bun bench/spawner.ts [--rounds N] [--seconds S]
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../src/stats/quantile.ts";
import { runWorkload } from "../src/workload/run-workload.ts";
import { spawnerProcess } from "../src/workload/spawner-process.ts";
import type { WorkloadResult } from "../src/workload/workload-result.ts";

const SPAWNER = "__workload";
const RATES = [100, 500, 1000, 0];
const TRUE_ONLY = [{ program: "true" as const, share: 1, lifetimeMs: 1 }];
const CONTROL_SPAWNS = 3000;

if (process.argv[2] === SPAWNER) process.exit(await spawnerProcess(undefined));

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "3" } },
});
const rounds = Number(values.rounds);
const durationMs = Number(values.seconds) * 1000;

async function round(rate: number): Promise<WorkloadResult> {
  const command = [process.execPath, import.meta.path, SPAWNER];
  await using workload = runWorkload({ mix: TRUE_ONLY, rate, durationMs }, { command });
  await workload.start();
  return await workload.done;
}

interface Control {
  /** CPU time of the spawning process per spawn, µs. */
  us: number;
  /** Spawns per second. */
  rate: number;
}

/** The control, with as many processes at the same time as the spawner has at full speed. */
async function control(): Promise<Control> {
  const cpu = process.cpuUsage();
  const fromNs = Bun.nanoseconds();
  let left = CONTROL_SPAWNS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      await Bun.spawn(["/bin/true", String(left)], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exited;
    }
  };
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, worker));
  const seconds = (Bun.nanoseconds() - fromNs) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return { us: (user + system) / CONTROL_SPAWNS, rate: CONTROL_SPAWNS / seconds };
}

function spread(values: number[], digits: number): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

const results = new Map<number, WorkloadResult[]>(RATES.map((rate) => [rate, []]));
const controls: Control[] = [];
for (let i = 0; i < rounds; i++) {
  controls.push(await control());
  for (const rate of RATES) results.get(rate)?.push(await round(rate));
}

console.log(`/bin/true, ${rounds} rounds of ${values.seconds} s; median [lowest, highest round]`);
for (const [rate, runs] of results) {
  const of = (figure: (run: WorkloadResult) => number): number[] => runs.map(figure);
  const us = of((run) => run.spawnerUsPerProcess ?? 0);
  const late = (p: "p50" | "p99"): string =>
    spread(
      of((run) => run.latenessUs?.[p] ?? 0),
      0,
    );
  const missing = runs.reduce((sum, run) => sum + run.spawned - run.reaped + run.unexpected, 0);
  console.log(`
asked      ${rate === 0 ? "full speed" : `${rate} /s`}
achieved   ${spread(
    of((run) => run.rateAchieved),
    1,
  )} /s; skipped ${runs.reduce((sum, run) => sum + run.skipped, 0)}
late       ${rate === 0 ? "-" : `p50 ${late("p50")} µs, p99 ${late("p99")} µs`}
spawner    ${spread(us, 1)} µs a process, ${spread(
    of((run) => run.spawnerCpuNs / 1e7 / run.durationS),
    2,
  )} % of a core
a spawn    p50 ${spread(
    of((run) => run.spawnUs?.p50 ?? 0),
    0,
  )} µs to the child's exec
truth      ${runs.reduce((sum, run) => sum + run.spawned, 0)} spawned, ${missing} without the end they were to have`);
}

const full = results.get(0) ?? [];
const beside = (figure: (run: WorkloadResult, control: Control) => number): string =>
  spread(
    full.map((run, i) => figure(run, controls[i] as Control)),
    2,
  );
const us = controls.map((control) => control.us);
const rates = controls.map((control) => control.rate);
console.log(`
Bun.spawn at full speed: ${spread(us, 1)} µs a process, ${spread(rates, 0)} /s
spawner / Bun.spawn, paired by round: CPU time a process ${beside((run, { us }) => (run.spawnerUsPerProcess ?? 0) / us)}, \
rate ${beside((run, { rate }) => run.rateAchieved / rate)}`);
