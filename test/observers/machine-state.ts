import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readProcStat } from "../../src/procfs/proc-stat.ts";

/** The audit state that a run must restore, by auditctl; null without auditctl. */
export function auditState(): Record<string, string> | null {
  if (!existsSync("/usr/sbin/auditctl") && !existsSync("/sbin/auditctl")) return null;
  const ask = (option: string) => Bun.spawnSync(["auditctl", option]).stdout.toString();
  const field = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(ask("-s"))?.[1] ?? "";
  return {
    rules: ask("-l"),
    enabled: field("enabled"),
    daemon: field("pid"),
    backlogLimit: field("backlog_limit"),
    backlogWaitTime: field("backlog_wait_time"),
    failure: field("failure"),
    pidFile: String(existsSync("/run/auditd.pid")),
  };
}

/** Mount points of tracefs that this process sees. */
export function tracefsMounts(): string[] {
  const mounts = readFileSync("/proc/self/mounts", "latin1").split("\n");
  return mounts.filter((mount) => mount.split(" ")[2] === "tracefs");
}

/** Live processes whose arguments or environment contain this folder. */
export function processesOf(folder: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const stat = readProcStat(pid);
    if (stat === null || stat.state === "Z" || stat.state === "X") continue;
    try {
      const words = ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "latin1"));
      if (words.some((text) => text.includes(folder))) found.push(`${pid} ${stat.comm}`);
    } catch {
      // The process has ended.
    }
  }
  return found;
}

/** Live processes with this word in their arguments. */
export function processesNamed(word: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && readProcStat(pid)?.state !== "Z")
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").includes(word);
      } catch {
        return false;
      }
    });
}

/** Waits until a condition is true. The only limit is the timeout of the test. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(20);
}
