/**
 * The load of bench/bill.ts, which runs in the units that bench/bill.ts makes:
 *
 *   bun bench/bill-load.ts spawn RATE LOW_US HIGH_US BURN    starts processes that take between so much CPU time each
 *   bun bench/bill-load.ts busy SHARE                        takes that share of a core
 *
 * Each runs until SIGTERM, but not longer than the bench. Then `spawn` reports the processes that it started. BURN is
 * bench/burn.c.
 */
import { quantile } from "../src/stats/quantile.ts";
import { cString, reap, Spawner, setParentDeathSignal, sleepNs } from "../src/sys/spawn.ts";

/** The report of `spawn` on stdout. */
export interface Spawned {
  started: number;
  /** CPU time of a process, µs. */
  cpuUs: { p10: number; p50: number; p90: number };
}

const SIGKILL = 9;
/** Length of one turn of `busy`. */
const TURN_NS = 50e6;

let hasToEnd = false;

async function spawn(rate: number, lowUs: number, highUs: number, burn: string): Promise<Spawned> {
  using spawner = new Spawner([]);
  const path = cString(burn);
  const cpuUs: number[] = [];
  let running = 0;
  const reapAll = () => {
    for (let ended = reap(-1); ended !== null; ended = reap(-1)) {
      running--;
      cpuUs.push(ended.userUs + ended.systemUs);
    }
  };
  for (let due = Bun.nanoseconds(); !hasToEnd; due += 1e9 / rate) {
    // A signal is handled in the event loop.
    await Bun.sleep(Math.max(0, (due - Bun.nanoseconds()) / 1e6));
    const pid = spawner.spawn(path, ["burn", String(Math.round(lowUs + Math.random() * (highUs - lowUs)))]);
    if (pid < 0) throw new Error(`cannot start ${burn}: errno ${-pid}`);
    running++;
    reapAll();
  }
  while (running > 0) {
    sleepNs(1e6);
    reapAll();
  }
  const [p10, p50, p90] = [0.1, 0.5, 0.9].map((q) => Math.round(quantile(cpuUs, q))) as [number, number, number];
  return { started: cpuUs.length, cpuUs: { p10, p50, p90 } };
}

async function busy(share: number): Promise<void> {
  for (let from = Bun.nanoseconds(); !hasToEnd; from += TURN_NS) {
    while (Bun.nanoseconds() < from + share * TURN_NS);
    await Bun.sleep(Math.max(0, (from + TURN_NS - Bun.nanoseconds()) / 1e6));
  }
}

if (import.meta.main) {
  setParentDeathSignal(SIGKILL);
  process.on("SIGTERM", () => {
    hasToEnd = true;
  });
  const [kind, first, lowUs, highUs, burn = ""] = process.argv.slice(2);
  if (kind === "busy") await busy(Number(first));
  else console.log(JSON.stringify(await spawn(Number(first), Number(lowUs), Number(highUs), burn)));
}
