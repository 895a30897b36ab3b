/**
 * bun lossy-table.ts ROUNDS COMMAND [ARGUMENT]...: watches a command, run so many
 * times, through a ring that is far too small for what it does, and says as JSON
 * how many processes the table believed to live.
 */
import { readdirSync } from "node:fs";
import { Collector } from "../../../src/collect/collector.ts";

export interface LossyTable {
  emitted: number;
  received: number;
  lost: number;
  balanced: boolean;
  /** Processes whose exit was lost, found out later. */
  lostExits: number;
  /** Entries for live processes: the most at any flush, and those at the end. */
  peakLive: number;
  live: number;
  /** Processes that really ran at the end. */
  running: number;
}

function sum(counts: { fork: number; exec: number; exit: number }): number {
  return counts.fork + counts.exec + counts.exit;
}

async function main(rounds: number, command: string[]): Promise<LossyTable> {
  let peakLive = 0;
  using collector = new Collector(
    {
      backend: "auto",
      events: ["fork", "exec", "exit"],
      maxArgsBytes: 1024,
      filters: { pids: [], uids: [], comms: [], cgroup: null, minDurationNs: 0 },
      ringBytes: 4096,
      watermarkBytes: 3072,
      flushIntervalMs: 20,
      lingerMs: 100,
    },
    {
      event: () => {},
      idle: () => {
        peakLive = Math.max(peakLive, collector.table.live);
      },
    },
  );
  collector.start();
  for (let round = 0; round < rounds; round++) {
    await Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "inherit" }).exited;
  }
  // The next tick holds the table against what runs, where it has grown too much.
  await Bun.sleep(200);
  await collector.stop();
  const { emitted, lost } = collector.counts();
  return {
    emitted: sum(emitted),
    received: sum(collector.received),
    lost: sum(lost),
    balanced: collector.isBalanced(),
    lostExits: collector.table.lostExits,
    peakLive,
    live: collector.table.live,
    running: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
  };
}

console.log(JSON.stringify(await main(Number(process.argv[2]), process.argv.slice(3))));
process.exit(0);
