import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import type { ExitEvent } from "./support/collect-output.ts";
import { until } from "./support/collect-run.ts";
import type { ReapedTruth } from "./support/fixture.ts";
import { titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useCollector, useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const reason = whyNoBtf();

function cpuUs({ cpu_user_ns, cpu_system_ns }: ExitEvent): number {
  return Number((cpu_user_ns ?? 0n) + (cpu_system_ns ?? 0n)) / 1000;
}

/**
 * CPU time that a process still uses after its exit event, us: it tears down its address
 * space before wait4 returns it. The time grows with the size of the address space.
 */
const TEARDOWN_US = 2000;
/** Permitted difference, as a share of the CPU time: the kernel adds both figures up from the same parts. */
const CPU_SHARE = 0.02;

interface Reaped {
  exit: ExitEvent;
  truth: ReapedTruth;
}

/** The most that an exit may report, us: wait4 rounds each of two figures down to whole microseconds. */
function mostCpuUs({ user_us, system_us }: ReapedTruth): number {
  return (user_us + system_us) * (1 + CPU_SHARE) + 100;
}

function expectSameCpu({ exit, truth }: Reaped): void {
  expect(cpuUs(exit)).toBeLessThanOrEqual(mostCpuUs(truth));
  expect(cpuUs(exit)).toBeGreaterThanOrEqual((truth.user_us + truth.system_us) * (1 - CPU_SHARE) - TEARDOWN_US);
}

/** Most runs of one process: a figure that is above the truth in all of them is wrong. */
const MOST_RUNS = 8;

/**
 * The CPU time of a process includes steal time of its last time slice (docs/events.md), and no clock here separates
 * the two. So the process runs again if its figure is above the truth.
 */
async function leftAlone<T extends Reaped | Reaped[]>(run: () => Promise<T>): Promise<T> {
  for (let runs = 1; ; runs++) {
    const reaped = await run();
    const isAbove = [reaped].flat().some(({ exit, truth }) => cpuUs(exit) > mostCpuUs(truth));
    if (!isAbove || runs === MOST_RUNS) return reaped;
  }
}

describe.skipIf(reason !== null)(titled("how processes end", reason), () => {
  const collect = useCollector();

  for (const code of [0, 1, 2, 77, 126, 127, 128, 254, 255]) {
    test(`with code ${code}`, async () => {
      const { exit } = (await fixture().watched(collect(), "code", code)).reaped("code");
      expect(exit).toMatchObject({ exit_code: code, signal: null, core_dumped: false });
    });
  }

  for (const [number, name] of [
    [1, "SIGHUP"],
    [2, "SIGINT"],
    [9, "SIGKILL"],
    [10, "SIGUSR1"],
    [13, "SIGPIPE"],
    [15, "SIGTERM"],
    [29, "SIGIO"],
    // The C library reserves the first two real-time signals.
    [32, "SIG32"],
    [34, "SIGRTMIN"],
    [37, "SIGRTMIN+3"],
    [64, "SIGRTMAX"],
  ] as const) {
    test(`by signal ${number}, ${name}`, async () => {
      const { exit } = (await fixture().watched(collect(), "signal", number)).reaped("signal");
      expect(exit).toMatchObject({ exit_code: null, signal: name, core_dumped: false });
    });
  }

  test("by a signal from another process", async () => {
    const { exit } = (await fixture().watched(collect(), "killed", 15)).reaped("killed");
    expect(exit).toMatchObject({ exit_code: null, signal: "SIGTERM", core_dumped: false });
  });

  // A core pattern can be a pipe or a fixed directory: this test does not know whether a core is dumped there.
  const pattern = reason === null ? readFileSync("/proc/sys/kernel/core_pattern", "utf8").trim() : "";
  for (const [scenario, args, name] of [
    ["segv", [], "SIGSEGV"],
    ["signal", [6], "SIGABRT"],
    ["signal", [3], "SIGQUIT"],
  ] as const) {
    test(`by ${name}, with and without a core dump`, async () => {
      const directory = mkdtempSync(join(fixture().directory, "core-"));
      const options = { cwd: directory };
      const without = await fixture().watchedIn(collect(), options, scenario, ...args);
      expect(without.reaped(scenario).exit).toMatchObject({ exit_code: null, signal: name });
      if (!pattern.startsWith("|")) expect(without.reaped(scenario).exit.core_dumped).toBe(false);
      const dumped = (await fixture().watchedIn(collect(), options, scenario, ...args, "core")).reaped(scenario);
      expect(dumped.exit).toMatchObject({ exit_code: null, signal: name });
      if (/^[^|/]+$/.test(pattern)) expect(dumped.exit.core_dumped).toBe(true);
    });
  }

  test("under a name with special characters", async () => {
    const { exit } = (await fixture().watched(collect(), "named")).reaped("named");
    expect(exit.comm).toBe('(a) "b"\\\n\ufffd');
  });

  test("the output is valid, and no record is lost", async () => {
    expect((await collect().stop()).summary.lost).toBe(0);
  });
});

describe.skipIf(reason !== null)(titled("resources that processes used", reason), () => {
  const collect = useCollector();
  let cgroup: string | undefined;

  beforeAll(() => {
    const mount = cgroup2Mount();
    if (mount) cgroup = mkdtempSync(`${mount}/linnix-test-`);
  });
  afterAll(() => {
    if (cgroup) rmdirSync(cgroup);
  });

  test("processor time in user mode", async () => {
    const { exit, truth } = await leftAlone(async () =>
      (await fixture().watched(collect(), "burn", 150)).reaped("burn"),
    );
    expectSameCpu({ exit, truth });
    expect(cpuUs(exit)).toBeGreaterThanOrEqual(150_000);
    // The kernel splits the time by ticks: on a machine with many interrupts some count as kernel time.
    expect(Number(exit.cpu_user_ns) / 1000).toBeGreaterThan(0.5 * cpuUs(exit));
    expect(Math.abs(Number(exit.cpu_user_ns) / 1000 - truth.user_us)).toBeLessThan(0.05 * 150_000 + TEARDOWN_US);
  });

  test("processor time in the kernel", async () => {
    const { exit, truth } = await leftAlone(async () =>
      (await fixture().watched(collect(), "burn", 150, "system")).reaped("burn"),
    );
    expectSameCpu({ exit, truth });
    expect(cpuUs(exit)).toBeGreaterThanOrEqual(150_000);
    expect(Number(exit.cpu_system_ns) / 1000).toBeGreaterThan(0.5 * cpuUs(exit));
    expect(Math.abs(Number(exit.cpu_system_ns) / 1000 - truth.system_us)).toBeLessThan(0.05 * 150_000 + TEARDOWN_US);
  });

  for (const threads of [5, 200, 1500]) {
    test(`processor time of ${threads} threads that a tracer keeps beyond the end of their process`, async () => {
      const { exit, truth } = await leftAlone(async () =>
        (await fixture().watched(collect(), "traced-threads", threads, 1)).reaped("traced"),
      );
      const works = threads * 1000;
      expect(truth.user_us + truth.system_us).toBeGreaterThanOrEqual(works);
      expect(cpuUs(exit)).toBeLessThanOrEqual(mostCpuUs(truth));
      // Each thread uses CPU time for its own teardown after its last event.
      expect(cpuUs(exit)).toBeGreaterThanOrEqual(works);
      expect([exit.minor_faults, exit.major_faults]).toEqual([truth.minor_faults, truth.major_faults]);
      expect(exit.peak_rss_bytes).toBe(truth.max_rss_kib * 1024);
    });
  }

  test("processor time of processes that end before the first scheduler tick", async () => {
    const everyReaped = (scenario: string, label?: string, ...args: number[]) =>
      leftAlone(async () => {
        const watched = await fixture().watched(collect(), scenario, ...args);
        return watched.truths.everyReaped(label).map((truth) => ({ truth, exit: watched.story(truth).exit }));
      });
    const short = await everyReaped("short", "short", 5);
    expect(short).toHaveLength(5);
    for (const each of short) {
      expectSameCpu(each);
      // One millisecond of it is burned on purpose.
      expect(cpuUs(each.exit)).toBeGreaterThanOrEqual(1000);
    }
    for (const each of await everyReaped("fork")) {
      expectSameCpu(each);
      expect(cpuUs(each.exit)).toBeGreaterThan(0);
    }
  });

  for (const pages of [100, 2000, 20_000]) {
    test(`page faults and peak memory of ${pages} pages`, async () => {
      const { exit, truth } = await leftAlone(async () =>
        (await fixture().watched(collect(), "touch", pages)).reaped("touch"),
      );
      expect(exit.minor_faults).toBe(truth.minor_faults);
      expect(exit.major_faults).toBe(truth.major_faults);
      expect(exit.peak_rss_bytes).toBe(truth.max_rss_kib * 1024);
      expect(exit.minor_faults ?? 0).toBeGreaterThanOrEqual(pages);
      expect(exit.minor_faults ?? 0).toBeLessThan(pages + 100);
      expect(exit.peak_rss_bytes ?? 0).toBeGreaterThanOrEqual(pages * 4096 * 0.99 - 128 * 1024);
      expect(exit.peak_rss_bytes ?? 0).toBeLessThan(pages * 4096 + 8 * 2 ** 20);
      expectSameCpu({ exit, truth });
    });
  }

  test("bytes read from and written to the disk", async () => {
    const bytes = 2 ** 20;
    const file = join(fixture().directory, "bytes");
    const watched = await fixture().watched(collect(), "io", file, bytes);
    for (const label of ["writer", "reader"]) {
      const { exit } = watched.reaped(label);
      expect(exit.read_bytes).toBe(watched.truths.number(label, "read_bytes"));
      expect(exit.write_bytes).toBe(watched.truths.number(label, "write_bytes"));
    }
    rmSync(file);
    // The file is on a disk: a temporary directory in memory causes no disk reads or writes.
    const { type } = Bun.spawnSync(["stat", "--file-system", "--format=%T", fixture().directory])
      .stdout.toString()
      .trim()
      .match(/^(?<type>\S+)$/)?.groups ?? { type: "" };
    if (type === "tmpfs") return;
    expect(watched.reaped("writer").exit.write_bytes ?? 0).toBeGreaterThanOrEqual(bytes);
    expect(watched.reaped("reader").exit.read_bytes ?? 0).toBeGreaterThanOrEqual(bytes);
  });

  test("events have the user and group at the time of the event", async () => {
    const watched = await fixture().watched(collect(), "ids", 2345, 1234);
    const turned = watched.reaped("turned-user");
    expect([turned.fork.uid, turned.fork.gid]).toEqual([0, 0]);
    expect([turned.exit.uid, turned.exit.gid]).toEqual([2345, 1234]);
    const child = watched.reaped("of-that-user");
    expect([child.fork.uid, child.fork.gid, child.exit.uid, child.exit.gid]).toEqual([2345, 1234, 2345, 1234]);
    expect(child.fork.ppid).toBe(turned.truth.pid);
  });

  test("events have the real user, not the effective user", async () => {
    const { exit } = (await fixture().watched(collect(), "real-id", 2345)).reaped("real-user");
    expect([exit.uid, exit.gid]).toEqual([2345, 0]);
  });

  test("events have the cgroup at the time of the event", async () => {
    if (cgroup === undefined) return;
    const { ino } = statSync(cgroup, { bigint: true });
    const watched = await fixture().watched(collect(), "cgroup", cgroup);
    const moved = watched.reaped("moved-there");
    expect(moved.fork.cgroup_id).not.toBe(ino);
    expect(moved.exit.cgroup_id).toBe(ino);
    const born = watched.reaped("born-there");
    expect([born.fork.cgroup_id, born.exit.cgroup_id]).toEqual([ino, ino]);
    const into = (await fixture().watched(collect(), "into-cgroup", cgroup)).reaped("born-there");
    expect([into.fork.cgroup_id, into.exit.cgroup_id]).toEqual([ino, ino]);
    // The second cgroup is deeper, so that the level in the hierarchy matters.
    const deep = join(cgroup, "a");
    mkdirSync(deep);
    const inDeep = (await fixture().watched(collect(), "into-cgroup", deep)).reaped("born-there");
    expect(inDeep.exit.cgroup_id).toBe(statSync(deep, { bigint: true }).ino);
    // A process that has just ended may keep the cgroup busy for a moment.
    await until("the cgroup to be empty", () => {
      try {
        rmdirSync(deep);
        return true;
      } catch {
        return false;
      }
    });
  });

  test("the output is valid, and no record is lost", async () => {
    expect((await collect().stop()).summary.lost).toBe(0);
  });
});
