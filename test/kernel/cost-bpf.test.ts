import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmptyProgram } from "../../src/bpf/bpf-empty-program.ts";
import { calledProgramIds, readHeldBpf } from "../../src/bpf/bpf-held.ts";
import { readBpfMemory, readPerfRingBytes } from "../../src/bpf/bpf-memory.ts";
import { listProgramIds, PROG_INFO_OFFSET, ProgramHandles, readPrograms } from "../../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../../src/bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../../src/bpf/bpf-stats.ts";
import { priceRunTimeStats } from "../../src/bpf/bpf-stats-price.ts";
import { ProcessWalkSampler } from "../../src/sampling/process-walk-sampler.ts";
import type { Sampler } from "../../src/sampling/sampler.ts";
import { TaskIteratorSampler } from "../../src/sampling/task-iterator-sampler.ts";

setDefaultTimeout(60_000);

const COST = join(import.meta.dir, "../../src/bpf");
const STATS_SYSCTL = "/proc/sys/kernel/bpf_stats_enabled";

const noBpf = whyNoBpf();

/** Why BPF cannot be tested here; empty if it can. */
function whyNoBpf(): string {
  try {
    using program = new EmptyProgram();
    program.run(1);
    return "";
  } catch (error) {
    return ` (skipped: ${(error as Error).message})`;
  }
}

/** Runs the program `runs` times, and returns how many of the runs the kernel counted. */
function countedOf(program: EmptyProgram, runs: number): number {
  const before = program.info().runCnt;
  program.run(runs);
  return Number(program.info().runCnt - before);
}

/** Not empty if another program has switched statistics on: then the test cannot observe that they are off. */
function someoneCounts(): boolean {
  using program = new EmptyProgram();
  return countedOf(program, 1) > 0;
}

/** A sampler in the kernel: a program that is run, or an iterator that is read. */
function samplerHere(): Sampler {
  try {
    return new ProcessWalkSampler();
  } catch {
    return TaskIteratorSampler.withTaskStorage();
  }
}

/** Number of this process's file descriptors for BPF objects; Bun opens and closes other descriptors at any time. */
function bpfFds(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("anon_inode:bpf");
    } catch {
      return false;
    }
  }).length;
}

/** A process that runs the code, prints a line and sleeps. */
async function child(code: string) {
  const process_ = Bun.spawn([process.execPath, "-e", `${code}; console.log("ready"); await Bun.sleep(600_000);`], {
    stdout: "pipe",
    stderr: "inherit",
  });
  await process_.stdout.getReader().read();
  return process_;
}

describe.skipIf(noBpf !== "")(`statistics of BPF programs${noBpf}`, () => {
  const busy = noBpf === "" && someoneCounts() ? " (skipped: somebody else holds BPF statistics on)" : "";

  test.skipIf(busy !== "")(`count runs only while the file descriptor is open${busy}`, () => {
    const sysctl = readFileSync(STATS_SYSCTL, "latin1");
    using program = new EmptyProgram();
    expect(countedOf(program, 100)).toBe(0);
    {
      using stats = enableRunTimeStats();
      expect(countedOf(program, 100)).toBe(100);
      expect(program.info().runTimeNs).toBeGreaterThan(0n);
      stats.close();
      expect(countedOf(program, 100)).toBe(0);
    }
    expect(countedOf(program, 100)).toBe(0);
    expect(readFileSync(STATS_SYSCTL, "latin1")).toBe(sysctl);
  });

  test.skipIf(busy !== "")(`are off again when a process that held them on is killed${busy}`, async () => {
    using program = new EmptyProgram();
    const holder = await child(
      `const { enableRunTimeStats } = await import(${JSON.stringify(join(COST, "bpf-stats.ts"))}); globalThis.s = enableRunTimeStats()`,
    );
    try {
      expect(countedOf(program, 100)).toBe(100);
    } finally {
      holder.kill("SIGKILL");
      await holder.exited;
    }
    expect(holder.signalCode).toBe("SIGKILL");
    expect(countedOf(program, 100)).toBe(0);
  });

  test("use one file descriptor, and leave none open after several closes", () => {
    const before = bpfFds();
    const stats = enableRunTimeStats();
    expect(bpfFds()).toBe(before + 1);
    stats.close();
    stats.close();
    stats[Symbol.dispose]();
    expect(bpfFds()).toBe(before);
  });

  test("cost time for each run, of which a part counts as time in the program", () => {
    const { nsPerRun, countedNsPerRun } = priceRunTimeStats();
    expect(nsPerRun).toBeGreaterThanOrEqual(0);
    expect(countedNsPerRun).toBeGreaterThan(0);
  });
});

describe.skipIf(noBpf !== "")(`BPF programs${noBpf}`, () => {
  test("are listed with name, tag and figures; the difference of two snapshots shows the runs between them", () => {
    using program = new EmptyProgram();
    const { id } = program.info();
    expect(listProgramIds()).toContain(id);
    using _stats = enableRunTimeStats();
    const before = readPrograms();
    program.run(1000);
    const { programs } = runTimeDifference(before, readPrograms());
    const own = programs.find((each) => each.id === id);
    expect(own).toMatchObject({ id, name: "linnix_empty", runs: 1000, recursionMisses: 0 });
    expect(own?.tag).toMatch(/^[0-9a-f]{16}$/);
    expect(own?.runNs).toBeGreaterThan(0);
  });

  test("that appear and vanish between snapshots are named", () => {
    const first = readPrograms();
    const program = new EmptyProgram();
    const { id } = program.info();
    const second = readPrograms();
    program.close();
    const third = readPrograms();
    expect(runTimeDifference(first, second).appeared).toContain(id);
    expect(runTimeDifference(second, third).vanished).toContain(id);
  });

  test("can be read by a handle after their owner is gone, and are freed with the handle", () => {
    const program = new EmptyProgram();
    const { id } = program.info();
    const handles = new ProgramHandles([id, 2 ** 30]);
    program.close();
    expect(handles.ids).toEqual([id]);
    expect(handles.read().get(id)?.name).toBe("linnix_empty");
    handles.close();
    handles.close();
    expect(listProgramIds()).not.toContain(id);
  });

  test("held by another process are found by its file descriptors, and gone when it is killed", async () => {
    const holder = await child(
      `const { EmptyProgram } = await import(${JSON.stringify(join(COST, "bpf-empty-program.ts"))}); globalThis.p = new EmptyProgram()`,
    );
    const { programIds, mapIds } = readHeldBpf(holder.pid);
    expect(programIds).toHaveLength(1);
    expect(mapIds).toEqual([]);
    const { mapBytes, programBytes } = readBpfMemory(programIds);
    expect(mapBytes).toBe(0);
    // This is at least the page of the instructions.
    expect(programBytes).toBeGreaterThanOrEqual(4096);
    holder.kill("SIGKILL");
    await holder.exited;
    const id = programIds[0] as number;
    for (let tries = 0; tries < 100 && listProgramIds().includes(id); tries++) await Bun.sleep(10);
    expect(listProgramIds()).not.toContain(id);
    expect(readHeldBpf(holder.pid)).toEqual({ programIds: [], mapIds: [] });
    expect(readBpfMemory(programIds)).toEqual({ mapBytes: 0, programBytes: 0 });
  });

  test("that their holder calls itself are known: their time is the holder's", () => {
    using empty = new EmptyProgram();
    using called = samplerHere();
    const ids = calledProgramIds(process.pid);
    expect(ids).not.toContain(empty.info().id);
    const runs = () => [...readPrograms(ids).values()].reduce((sum, { runCnt }) => sum + runCnt, 0n);
    using _stats = enableRunTimeStats();
    const before = runs();
    called.sweep(() => {});
    expect(runs()).toBeGreaterThan(before);
    // The process holds the programs that it calls.
    expect(readHeldBpf(process.pid).programIds).toEqual(expect.arrayContaining(ids));
  });

  test("leave no file descriptor behind after a hundred readings", () => {
    using program = new EmptyProgram();
    readPrograms();
    const before = bpfFds();
    for (let i = 0; i < 100; i++) {
      readPrograms();
      readBpfMemory([program.info().id]);
      readHeldBpf(process.pid);
    }
    expect(bpfFds()).toBe(before);
    expect(readPerfRingBytes(process.pid)).toBe(0);
  });
});

const canCompile = existsSync("/usr/include/linux/bpf.h") && Bun.which("cc") !== null;

describe.skipIf(!canCompile)("bpf_prog_info (needs cc and linux/bpf.h)", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "linnix-test-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("has its members at the offsets of the kernel's header", () => {
    const members = Object.keys(PROG_INFO_OFFSET);
    const source = join(folder, "offsets.c");
    const lines = members.map((name) => `printf("%zu\\n", offsetof(struct bpf_prog_info, ${name}));`);
    writeFileSync(
      source,
      `#include <linux/bpf.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) { ${lines.join("\n")} return 0; }\n`,
    );
    const binary = join(folder, "offsets");
    expect(Bun.spawnSync(["cc", "-o", binary, source], { stderr: "inherit" }).exitCode).toBe(0);
    const offsets = Bun.spawnSync([binary]).stdout.toString().trim().split("\n").map(Number);
    expect(offsets).toEqual(Object.values(PROG_INFO_OFFSET));
  });
});
