import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDER_PREFIXES } from "../sys/private-folder.ts";

/** Removes a folder that a spawner made and was killed before it could. Anything that is not such a folder is left alone. */
export function removeLeftFolder(folder: string): void {
  const prefix = join(tmpdir(), FOLDER_PREFIXES.workload);
  if (!folder.startsWith(prefix) || folder.includes("/", prefix.length)) return;
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Kills children of a spawner that was killed. They are known by their session, and by the run's number in their arguments
 * in case another process has the session's number by now.
 */
export function killLeftChildren(session: number, run: number): void {
  for (const name of readdirSync("/proc")) {
    if (!/^[1-9]\d*$/.test(name)) continue;
    try {
      if (sessionOf(name) !== session) continue;
      if (!readFileSync(`/proc/${name}/cmdline`, "latin1").includes(String(run))) continue;
      process.kill(Number(name), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

function sessionOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // state ppid pgrp session …, behind the name, which may hold anything
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
}
