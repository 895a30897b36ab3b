import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The spawner without the rest of linnix, so that only the workload is tested. */
export const spawnerCommand = [process.execPath, join(import.meta.dir, "spawner-entry.ts")];

/** Pids of a process group, with its leader and without zombies. */
export function groupMembers(pgid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = statFields(pid);
      return stat?.pgrp === pgid && stat.state !== "Z" && stat.state !== "X";
    });
}

/** Start time of a process, CLOCK_BOOTTIME, ns. /proc reports it in ticks (USER_HZ: always 100 per second). */
export function startTimeNs(pid: number): bigint {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const ticks = text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return BigInt(ticks) * 10_000_000n;
}

/** State and process group of a process; null if there is none. */
function statFields(pid: number): { state: string; pgrp: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "", , pgrp] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state, pgrp: Number(pgrp) };
  } catch {
    return null;
  }
}

/** Waits until a condition is true. The only limit is the timeout of the test. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}
