import { summariseBlock } from "../stats/low-quantile.ts";
import { currentCpu, pinToCpu, waitedSpawn } from "../sys/cost-spawn.ts";
import { needTool } from "../sys/tool.ts";
import { WARMUP_SPAWNS } from "./spawn-timer.ts";

const MAX_SPAWNS = 100_000;

/**
 * Answers each line `SPAWNS MAX_MS` of standard input with one line of JSON, a `BlockSummary` in µs of the time that
 * fork, exec, run, exit and wait of `true` took. Ends at the end of its input.
 */
export async function runSpawnTimer(): Promise<void> {
  const spawn = waitedSpawn(needTool("true", "install coreutils"));
  const cpu = currentCpu();
  console.log("ready");
  for await (const line of console) {
    const [spawns = 0, maxMs = 0] = line.split(" ").map(Number);
    console.log(JSON.stringify(summariseBlock(timeBlock(spawn, cpu, Math.min(spawns, MAX_SPAWNS), maxMs))));
  }
}

function timeBlock(spawn: () => void, cpu: number, spawns: number, maxMs: number): number[] {
  using _pinned = pinToCpu(cpu);
  for (let i = 0; i < WARMUP_SPAWNS; i++) spawn();
  const durationsUs: number[] = [];
  const deadlineNs = Bun.nanoseconds() + maxMs * 1e6;
  let began = Bun.nanoseconds();
  while (durationsUs.length < spawns && began < deadlineNs) {
    spawn();
    const now = Bun.nanoseconds();
    durationsUs.push((now - began) / 1000);
    began = now;
  }
  return durationsUs;
}
