import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDER_PREFIXES } from "../sys/private-folder.ts";

/** Removes the folder of a spawner that was killed before it removed it. Does nothing to a folder of another name. */
export function removeLeftFolder(folder: string): void {
  const prefix = join(tmpdir(), FOLDER_PREFIXES.workload);
  if (!folder.startsWith(prefix) || folder.includes("/", prefix.length)) return;
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Kills the children that a killed spawner has left. They are the processes of its session with the run's number in
 * their arguments: other processes may have got the same session number since then.
 */
export function killLeftChildren(session: number, run: number): void {
  for (const name of readdirSync("/proc")) {
    if (!/^[1-9]\d*$/.test(name)) continue;
    try {
      if (sessionOf(name) !== session) continue;
      if (!readFileSync(`/proc/${name}/cmdline`, "latin1").includes(String(run))) continue;
      process.kill(Number(name), "SIGKILL");
    } catch {
      // The process has ended.
    }
  }
}

function sessionOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // state ppid pgrp session …, after the name. The name may contain any character, also ")".
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
