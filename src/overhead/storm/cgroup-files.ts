/** Functions on the files of a cgroup. */
import { readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { refusalCode } from "../../sys/refusal.ts";

/** How long the processes of a cgroup may take to end after SIGKILL, ms. */
const MOST_MS = 8_000;
const PAUSE_MS = 20;

/** Writes to an existing file of a cgroup. */
export function writeCgroupFile(directory: string, file: string, text: string): void {
  writeFileSync(`${directory}/${file}`, text, { flag: "r+" });
}

/** Pids of the processes in a cgroup; none if it is gone. Processes without a pid in this namespace are left out. */
export function pidsIn(directory: string): number[] {
  try {
    const pids = readFileSync(`${directory}/cgroup.procs`, "utf8").split("\n").map(Number);
    return pids.filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

/** Kills all processes of a cgroup. @returns the pids that are still in it after `MOST_MS` */
export async function killAllIn(directory: string): Promise<number[]> {
  for (const fromMs = performance.now(); ; await Bun.sleep(PAUSE_MS)) {
    const pids = pidsIn(directory);
    if (pids.length === 0 || performance.now() - fromMs > MOST_MS) return pids;
    killOnce(directory, pids);
  }
}

function killOnce(directory: string, pids: readonly number[]): void {
  try {
    // Linux 5.14 and later. It also kills processes that are forked meanwhile.
    writeCgroupFile(directory, "cgroup.kill", "1");
  } catch {
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // The process has ended.
      }
    }
  }
}

/** Removes an empty cgroup. @returns whether it is gone */
export async function removeCgroup(directory: string): Promise<boolean> {
  for (const fromMs = performance.now(); ; await Bun.sleep(PAUSE_MS)) {
    try {
      rmdirSync(directory);
      return true;
    } catch (error) {
      const code = refusalCode(error);
      if (code === "ENOENT") return true;
      // EBUSY: the kernel has not released the last process yet.
      if (code !== "EBUSY" || performance.now() - fromMs > MOST_MS) return false;
    }
  }
}
