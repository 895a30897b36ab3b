/**
 * bun lossy-table.ts PROGRAM CROWD ROUNDS: watches crowds of processes (the
 * fixture's `held-crowd`) that start while it reads the rings and end while it
 * does not. Prints as JSON how many live processes its table had.
 */
import { readdirSync } from "node:fs";
import { Collector } from "../../../src/collect/collector.ts";
import { collectorOptions } from "../../collect/collector-options.ts";
import { isRunning } from "./machine.ts";

export interface LossyTable {
  emitted: number;
  received: number;
  lost: number;
  balanced: boolean;
  /** Number of processes whose exit was lost and that were removed later. */
  lostExits: number;
  /** Number of entries for live processes: the maximum, and at the end. */
  peakLive: number;
  live: number;
  /** Number of processes that really ran at the end. */
  running: number;
}

function sum(counts: { fork: number; exec: number; exit: number }): number {
  return counts.fork + counts.exec + counts.exit;
}

async function main(program: string, crowd: number, rounds: number): Promise<LossyTable> {
  let peakLive = 0;
  using collector: Collector = new Collector(
    // The rings have room for events that arrive one by one, but not for the end of a crowd.
    collectorOptions({ ringBytes: 64 * 1024, watermarkBytes: 8 * 1024, lingerMs: 100 }),
    {
      event: () => {},
      idle: () => {
        peakLive = Math.max(peakLive, collector.table.live);
      },
    },
  );
  collector.start();
  for (let round = 0; round < rounds; round++) {
    const child = Bun.spawn([program, "held-crowd", String(crowd)], { stdin: "pipe", stdout: "pipe" });
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of child.stdout) {
      text += decoder.decode(bytes, { stream: true });
      if (text.includes('"ready"')) break;
    }
    collector.drain();
    child.stdin.write("\n");
    await child.stdin.end();
    // This thread reads no ring until all processes of the crowd have ended.
    while (isRunning(child.pid)) Bun.sleepSync(5);
    await child.exited;
    // Within a few ticks the table is compared with the running processes, because it has grown too much.
    await Bun.sleep(100);
  }
  await collector.stop();
  const { emitted, lost_by_type } = collector.counts();
  return {
    emitted: sum(emitted),
    received: sum(collector.received),
    lost: sum(lost_by_type),
    balanced: collector.isBalanced(),
    lostExits: collector.table.lostExits,
    peakLive,
    live: collector.table.live,
    running: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
  };
}

const [program = "", crowd = "3000", rounds = "8"] = process.argv.slice(2);
console.log(JSON.stringify(await main(program, Number(crowd), Number(rounds))));
process.exit(0);
