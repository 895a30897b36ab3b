import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinnixError } from "../../src/errors.ts";
import { matchSightings } from "../../src/observers/match.ts";
import { newTally, type Observer, type ObserverContext } from "../../src/observers/observer.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { strace } from "../../src/observers/strace.ts";
import { auditState, processesOf, tracefsMounts } from "../observers/machine-state.ts";
import { LIFETIME_MS, type Life, TinyWorkload } from "../observers/tiny-workload.ts";

// Test processes live for seconds, and the machine may be busy.
setDefaultTimeout(120_000);

/** Processes that each method must see; it may miss all others. */
const MUST_SEE: Record<string, Life[]> = {
  ps: ["busy", "asleep"],
  "ps-log": ["busy"],
  top: ["busy", "asleep"],
  pidstat: ["busy"],
  "proc-scan": ["busy", "asleep"],
  "proc-list": ["busy", "asleep"],
  "task-iterator": ["busy", "asleep"],
  strace: ["busy", "asleep", "brief"],
  auditd: ["busy", "asleep", "brief"],
  execsnoop: ["busy", "asleep", "brief"],
  "execsnoop+exitsnoop": ["busy", "asleep", "brief"],
  forkstat: ["busy", "asleep"],
  bpftrace: ["busy", "asleep", "brief"],
  linnix: ["busy", "asleep", "brief"],
  "linnix --detail processes": ["busy", "asleep", "brief"],
  // Its counts identify no process: another running program may have the same name.
  "linnix --detail summary": [],
};

class TempFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "observers-test-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function contextOf(folder: TempFolder, workloadPid: number | null): ObserverContext {
  return { workloadPid, tempDir: folder.path, intervalMs: 100 };
}

async function failureOf(start: Promise<unknown>): Promise<LinnixError> {
  const error = await start.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LinnixError)) throw new Error(`no LinnixError but ${error}`);
  return error;
}

test("every method is tested", () => {
  expect(OBSERVERS.map(({ name }) => name).sort()).toEqual(Object.keys(MUST_SEE).sort());
});

for (const observer of OBSERVERS) {
  const availability = await observer.available();
  const skipped = availability.ok ? "" : ` (not here: ${availability.reason})`;

  describe.skipIf(!availability.ok)(`${observer.name}${skipped}`, () => {
    test("sees the processes that it must see, reports its cost, and leaves nothing behind", async () => {
      const before = { audit: auditState(), tracefs: tracefsMounts() };
      using folder = new TempFolder();
      await watchTinyWorkload(observer, folder);
      expect(readdirSync(folder.path)).toEqual([]);
      expect(processesOf(folder.path)).toEqual([]);
      expect({ audit: auditState(), tracefs: tracefsMounts() }).toEqual(before);
    });
  });
}

async function watchTinyWorkload(observer: Observer, folder: TempFolder): Promise<void> {
  using workload = new TinyWorkload();
  await using running = await observer.start(contextOf(folder, workload.pid));
  expect(running.pids().every((pid) => pid > 1)).toBe(true);
  expect(running.usage()).toBeNull();
  expect(() => [...running.seen()]).toThrow("can only be read after");

  const truth = await workload.run();
  expect(truth).toHaveLength(10);
  expect(running.problem()).toBeNull();
  await running.stop();
  await running.stop();

  const tally = newTally();
  const { byLifetime } = matchSightings(truth, running.seen(tally));
  const missed = (MUST_SEE[observer.name] ?? []).filter((life) => {
    const group = byLifetime.find(({ lifetimeMs }) => lifetimeMs === LIFETIME_MS[life]);
    return group === undefined || group.seen < group.total;
  });
  if (tally.lost === 0) expect(missed).toEqual([]);
  expect(tally).toMatchObject({ unparsed: 0, cutLines: 0 });
  expect(tally.records).toBeGreaterThan(0);
  expect(running.bytesWritten()).toBeGreaterThan(0);
  if (observer.kind === "polling") {
    expect(tally.listings).toBeGreaterThan(1);
    expect(running.intervalMs).toBeGreaterThan(0);
  } else {
    expect(running.intervalMs).toBeNull();
  }
  const usage = running.usage();
  expect((usage?.cpuUserUs ?? 0) + (usage?.cpuSystemUs ?? 0)).toBeGreaterThan(0);
  expect(running.kernelThreads().length).toBe(observer.inKernel === "audit" ? 1 : 0);
  // A second reading returns the same processes.
  const again = newTally();
  expect([...running.seen(again)].length).toBeGreaterThan(0);
  expect(again.records).toBe(tally.records);
}

test("strace refuses a process that linnix has not started", async () => {
  using folder = new TempFolder();
  for (const pid of [null, 1, process.pid, process.ppid]) {
    const error = await failureOf(strace.start(contextOf(folder, pid)));
    expect(error.what).toContain("only attached to the workload of linnix");
  }
  expect(readdirSync(folder.path)).toEqual([]);
});

test.skipIf(!(await strace.available()).ok)(
  "strace refuses to start if another tracer is attached (needs strace)",
  async () => {
    using folder = new TempFolder();
    using workload = new TinyWorkload();
    await using first = await strace.start(contextOf(folder, workload.pid));
    expect((await failureOf(strace.start(contextOf(folder, workload.pid)))).what).toContain(
      "traces the workload already",
    );
    await first.stop();
  },
);

test("a folder that other users may write to is refused", async () => {
  using folder = new TempFolder();
  const open = join(folder.path, "open");
  mkdirSync(open);
  Bun.spawnSync(["chmod", "0755", open]);
  for (const observer of OBSERVERS.filter(({ kind }) => kind === "polling")) {
    const error = await failureOf(observer.start({ workloadPid: null, tempDir: open, intervalMs: 100 }));
    expect(error.what).toContain("is not a private folder");
  }
});

test("a personal start-up file of top changes nothing", async () => {
  using folder = new TempFolder();
  const home = join(folder.path, "home");
  mkdirSync(home);
  writeFileSync(join(home, ".toprc"), "this is no top configuration\n");
  const top = OBSERVERS.find(({ name }) => name === "top") as Observer;
  const before = process.env.HOME;
  process.env.HOME = home;
  try {
    await using running = await top.start(contextOf(folder, null));
    await running.stop();
    const tally = newTally();
    expect([...running.seen(tally)].length).toBeGreaterThan(10);
    expect(tally.unparsed).toBe(0);
  } finally {
    process.env.HOME = before;
  }
});

test("a method that ends by itself fails with its last output", async () => {
  using folder = new TempFolder();
  const scan = OBSERVERS.find(({ name }) => name === "proc-scan") as Observer;
  const context = { ...contextOf(folder, null), workerCommand: ["/bin/sh", "-c", "echo no luck >&2; exit 3"] };
  const error = await failureOf(scan.start(context));
  expect(error.what).toBe("sh ended with status 3: no luck");
  expect(readdirSync(folder.path)).toEqual([]);

  const later = { ...context, workerCommand: ["/bin/sh", "-c", "echo '{\"listing\":1}'; kill -SEGV $$"] };
  await using running = await scan.start(later).catch(() => null);
  // Its end is reported whether or not it became ready first.
  if (running !== null) {
    while (running.problem() === null) await Bun.sleep(10);
    expect(running.problem()).toBe("sh was ended by SIGSEGV");
  }
});
