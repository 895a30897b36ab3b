import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { EXIT } from "../../src/errors.ts";
import { CLOCK, clockNs } from "../../src/sys/clock.ts";
import type { MixShare } from "../../src/workload/profiles.ts";
import { PROGRAMS, SAMPLE_FILES } from "../../src/workload/programs.ts";
import { runWorkload, type WorkloadHandle } from "../../src/workload/run-workload.ts";
import type { WorkloadSpec } from "../../src/workload/spec.ts";
import { groupMembers, spawnerCommand, startTimeNs, until } from "./real-workload.ts";

// Real processes on a machine that may be busy.
setDefaultTimeout(60_000);

const TRUE_ONLY: MixShare[] = [{ program: "true", share: 1, lifetimeMs: 1 }];

function real(spec: WorkloadSpec): WorkloadHandle {
  return runWorkload(spec, { command: spawnerCommand });
}

async function finished(spec: WorkloadSpec) {
  await using workload = real(spec);
  await workload.start();
  return await workload.done;
}

describe("a real workload", () => {
  test("spawns the requested processes, and records the truth of every spawn", async () => {
    const fromNs = clockNs(CLOCK.boottime);
    const mix = PROGRAMS.map((program) => ({ program, share: 1, lifetimeMs: program === "sleep" ? 10 : undefined }));
    await using workload = real({ mix, rate: 200, maxSpawns: 160, durationMs: 60_000 });
    const { spawnerPid, folder, leftOut } = await workload.ready;
    expect(leftOut).toEqual([]);
    expect(readdirSync(folder)).toHaveLength(SAMPLE_FILES);
    expect(groupMembers(spawnerPid)).toEqual([spawnerPid]);
    await workload.start();
    const result = await workload.done;
    const byNs = clockNs(CLOCK.boottime);

    expect(result).toMatchObject({ reason: "spawns", spawned: 160, reaped: 160, killed: 0, unexpected: 0, failed: [] });
    const { truth } = result;
    expect(truth.length).toBe(160);
    let beforeNs = fromNs;
    for (const spawn of truth) {
      expect(spawn.ppid).toBe(spawnerPid);
      expect(spawn.args.join(" ")).toContain(spawn.nonce);
      expect(spawn.status).toBe(spawn.expectedStatus);
      expect(spawn.spawnedFromNs).toBeGreaterThanOrEqual(beforeNs);
      expect(spawn.spawnedByNs).toBeGreaterThan(spawn.spawnedFromNs);
      expect(spawn.exitedFromNs as bigint).toBeGreaterThanOrEqual(spawn.spawnedFromNs);
      expect(spawn.exitedByNs as bigint).toBeGreaterThan(spawn.exitedFromNs as bigint);
      expect(spawn.exitedByNs as bigint).toBeLessThan(byNs);
      expect(spawn.lateNs).toBeGreaterThanOrEqual(0);
      expect(spawn.minorFaults).toBeGreaterThan(0);
      expect(spawn.maxRssKib).toBeGreaterThan(0);
      expect(truth.find(spawn.pid, spawn.spawnedByNs)).toBe(spawn.index);
      if (spawn.program === "sleep")
        expect(spawn.exitedByNs as bigint).toBeGreaterThan(spawn.spawnedFromNs + 10_000_000n);
      beforeNs = spawn.spawnedByNs;
    }
    for (const program of PROGRAMS) expect([...truth].filter((spawn) => spawn.program === program)).toHaveLength(20);
    expect(result.spawnerCpuNs).toBeGreaterThan(0);
    expect(result.childrenCpuUs).toBeGreaterThan(0);
  });

  test("achieves the requested rate over the whole run, or reports skipped slots", async () => {
    const result = await finished({ mix: TRUE_ONLY, rate: 300, durationMs: 1000 });
    expect(result.reason).toBe("duration");
    // Each slot is either spawned or counted as skipped.
    expect(result.spawned + result.skipped).toBe(300);
    expect(result.spawned).toBeGreaterThan(0);
    expect(result.rateAchieved).toBeCloseTo(result.spawned / result.durationS, 6);
    expect(result.unexpected).toBe(0);
    expect(result.reaped).toBe(result.spawned);
    expect(result.latenessUs?.p50).toBeGreaterThan(0);
  });

  test("is bounded at full speed by the number of children and by the total", async () => {
    const result = await finished({ mix: TRUE_ONLY, rate: 0, maxSpawns: 1000, maxOutstanding: 4 });
    expect(result).toMatchObject({ reason: "spawns", spawned: 1000, reaped: 1000, unexpected: 0, latenessUs: null });
    // At each spawn at most three others were alive.
    const spawns = [...result.truth];
    for (const [i, spawn] of spawns.entries()) {
      const others = spawns.slice(Math.max(0, i - 64), i);
      expect(others.filter((other) => (other.exitedByNs as bigint) > spawn.spawnedFromNs).length).toBeLessThan(4);
    }
  });

  test("gives children no descriptor, ignored signal or variable of the spawner", async () => {
    await using workload = real({ mix: [{ program: "sleep", share: 1, lifetimeMs: 10_000 }], rate: 100, maxSpawns: 1 });
    const { spawnerPid } = await workload.ready;
    await workload.start();
    await until(() => groupMembers(spawnerPid).length === 2);
    const child = groupMembers(spawnerPid).find((pid) => pid !== spawnerPid) as number;
    await until(() => readFileSync(`/proc/${child}/comm`, "latin1") === "sleep\n");
    // The dynamic loader opens a library for a moment.
    await until(() => readdirSync(`/proc/${child}/fd`).length <= 3);
    expect(readdirSync(`/proc/${child}/fd`).sort()).toEqual(["0", "1", "2"]);
    const status = readFileSync(`/proc/${child}/status`, "latin1");
    const signals = (set: string): bigint => BigInt(`0x${status.split(`${set}:`)[1]?.trim().split("\n")[0]}`);
    expect(signals("SigBlk")).toBe(0n);
    // glibc's posix_spawn ignores the two signals that glibc reserves: 32 and 33.
    expect(signals("SigIgn") & ~0x1_8000_0000n).toBe(0n);
    expect(readFileSync(`/proc/${child}/environ`, "latin1").split("\0")).toEqual([
      "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
      "LC_ALL=C",
      "",
    ]);
  });

  test("waits at stop() until the last children end by themselves", async () => {
    await using workload = real({
      mix: [{ program: "sleep", share: 1, lifetimeMs: 100 }],
      rate: 100,
      durationMs: 600_000,
      drainMs: 20_000,
    });
    const { spawnerPid, folder } = await workload.ready;
    await workload.start();
    await until(() => groupMembers(spawnerPid).length > 5);
    const child = groupMembers(spawnerPid).find((pid) => pid !== spawnerPid) as number;
    const startNs = startTimeNs(child);
    const result = await workload.stop();
    // The start time of the kernel, which /proc rounds down to ticks of 10 ms.
    const found = result.truth.find(child, startNs, 10_000_000);
    expect(result.truth.at(found).pid).toBe(child);
    expect(result).toMatchObject({ reason: "stop", killed: 0, unexpected: 0 });
    expect(result.reaped).toBe(result.spawned);
    expect(result.spawned).toBeGreaterThan(4);
    expect(existsSync(folder)).toBe(false);
    expect(groupMembers(spawnerPid)).toEqual([]);
  });

  test("kills children that outlast the drain, and reports them as killed", async () => {
    const result = await finished({
      mix: [{ program: "sleep", share: 1, lifetimeMs: 10_000 }],
      rate: 100,
      maxSpawns: 5,
      drainMs: 20,
    });
    expect(result).toMatchObject({ spawned: 5, reaped: 5, killed: 5, unexpected: 0 });
    expect([...result.truth].map((spawn) => spawn.signal)).toEqual(Array(5).fill("SIGKILL"));
  });

  test("leaves no folder if it is stopped before its start", async () => {
    await using workload = real({});
    const { folder } = await workload.ready;
    await workload.stop().catch(() => {});
    expect(existsSync(folder)).toBe(false);
  });

  test("refuses an invalid spec at once", () => {
    expect(() => real({ rate: -5 })).toThrow(expect.objectContaining({ exitCode: EXIT.usage }));
  });

  test("rejects with the message of a spawner that cannot run", async () => {
    await using workload = runWorkload({}, { command: ["/bin/sh", "-c", "echo no such luck >&2; exit 7"] });
    expect(workload.ready).rejects.toMatchObject({ code: "cannot-run.workload-ended" });
    expect(workload.done).rejects.toThrow("exit code 7: no such luck");
    await workload.done.catch(() => {});
  });

  test("rejects if the spawner writes an invalid message, and ends the spawner", async () => {
    await using workload = runWorkload({}, { command: ["/bin/sh", "-c", "echo nonsense; exec sleep 100"] });
    expect(workload.done).rejects.toMatchObject({ code: "cannot-run.workload-failed" });
    await workload.done.catch(() => {});
  });

  test.each([
    ["{", EXIT.usage, "is not JSON"],
    ['{"rate":1e9}', EXIT.usage, "rate"],
    ['{"rate":10}', EXIT.ok, ""],
  ])("ends the spawner with spec %s and no input with exit code %d", (spec, exitCode, says) => {
    const ran = Bun.spawnSync([...spawnerCommand, spec], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    expect(ran.stderr.toString()).toBe("");
    expect(ran.stdout.toString()).toContain(says);
    expect(ran.exitCode).toBe(exitCode);
  });
});
