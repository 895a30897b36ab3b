import { afterAll } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProcessEvent, StormEvent } from "../../../src/wire/event.ts";
import { type CollectRun, until } from "./collect-run.ts";

const SOURCE = join(import.meta.dir, "../../fixtures/storms/storms.c");
/** Compiler flags, as for test/fixtures/process. */
const FLAGS = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static"];

/** The program of test/fixtures/storms, compiled for one file of tests. */
export class StormProgram {
  readonly directory = mkdtempSync(join(tmpdir(), "linnix-storms-"));
  readonly path = join(this.directory, "storms");
  #copies = 0;

  constructor() {
    afterAll(() => rmSync(this.directory, { recursive: true, force: true }));
    const { exitCode, stderr } = Bun.spawnSync(["gcc", ...FLAGS, "-o", this.path, SOURCE]);
    if (exitCode !== 0) throw new Error(`gcc: ${stderr}`);
  }

  /** A copy of the program under a name that no other process has. */
  copy(of = this.path): { path: string; comm: string } {
    const comm = `st${process.pid}x${++this.#copies}`.slice(0, 15);
    const path = join(this.directory, comm);
    copyFileSync(of, path);
    return { path, comm };
  }
}

/** The storms that a run reported. */
export function stormsOf(lines: readonly { type: string }[]): StormEvent[] {
  return lines.filter(({ type }) => type === "storm") as StormEvent[];
}

/** The sums of suppressed events, from the ends of storms. */
export function countedIn(storms: readonly StormEvent[]): { fork: number; exec: number; exit: number } {
  const sums = { fork: 0, exec: 0, exit: 0 };
  for (const { suppressed } of storms) {
    for (const type of ["fork", "exec", "exit"] as const) sums[type] += suppressed?.[type] ?? 0;
  }
  return sums;
}

/** Waits for the end of a storm that matches. */
export function stormEnd(collect: CollectRun, matches: (storm: StormEvent) => boolean): Promise<StormEvent> {
  return until("the end of the storm", () =>
    stormsOf(collect.others).find((storm) => storm.state === "end" && matches(storm)),
  );
}

/** Events of one process, by type, in their order. */
export function typesByPid(events: readonly ProcessEvent[], comm: string): Map<number, string[]> {
  const types = new Map<number, string[]>();
  const pids = new Set(events.filter((event) => event.comm === comm && event.type === "exec").map(({ pid }) => pid));
  for (const { pid, type } of events) if (pids.has(pid)) types.set(pid, [...(types.get(pid) ?? []), type]);
  return types;
}
