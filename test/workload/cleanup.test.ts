import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import { FOLDER_PREFIXES, PrivateFolder } from "../../src/sys/private-folder.ts";
import { removeLeftFolder } from "../../src/workload/leftovers.ts";
import { runWorkload } from "../../src/workload/run-workload.ts";
import { groupMembers, spawnerCommand, until } from "./real-workload.ts";

// Real processes on a machine that may be busy.
setDefaultTimeout(60_000);

const SLEEPERS = {
  mix: [{ program: "sleep" as const, share: 1, lifetimeMs: 10_000 }],
  rate: 200,
  durationMs: 600_000,
  maxOutstanding: 40,
};

/** A working spawner with at least ten sleeping children. */
async function atWork() {
  const workload = runWorkload(SLEEPERS, { command: spawnerCommand });
  const { spawnerPid, folder } = await workload.ready;
  await workload.start();
  await until(() => groupMembers(spawnerPid).length > 10);
  expect(existsSync(folder)).toBe(true);
  return { workload, spawnerPid, folder };
}

async function nothingLeft(spawnerPid: number, folder: string): Promise<void> {
  await until(() => groupMembers(spawnerPid).length === 0);
  await until(() => !existsSync(folder));
}

describe("the end of a spawner leaves neither child nor folder", () => {
  test.each([["SIGTERM"], ["SIGINT"], ["SIGHUP"]] as const)(
    "after %s, and the result is still reported",
    async (signal) => {
      const { workload, spawnerPid, folder } = await atWork();
      await using _ = workload;
      process.kill(spawnerPid, signal);
      const result = await workload.done;
      expect(result.reason).toBe("abort");
      expect(result.killed).toBeGreaterThan(0);
      expect(result.reaped).toBe(result.spawned);
      await nothingLeft(spawnerPid, folder);
    },
  );

  test("after a signal before the start", async () => {
    await using workload = runWorkload(SLEEPERS, { command: spawnerCommand });
    const { spawnerPid, folder } = await workload.ready;
    process.kill(spawnerPid, "SIGTERM");
    expect(workload.done).rejects.toThrow(`exit code ${EXIT.sigterm}`);
    await workload.done.catch(() => {});
    await nothingLeft(spawnerPid, folder);
  });

  test("if it is disposed while it works", async () => {
    const { workload, spawnerPid, folder } = await atWork();
    await workload[Symbol.asyncDispose]();
    expect(groupMembers(spawnerPid)).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    await workload[Symbol.asyncDispose]();
  });

  test("if it is disposed before it is ready", async () => {
    const workload = runWorkload(SLEEPERS, { command: spawnerCommand });
    await workload[Symbol.asyncDispose]();
    expect(workload.done).rejects.toThrow("before it had a result");
    // It may have ended before or after it was ready.
    const folder = await workload.ready.then((ready) => ready.folder).catch(() => null);
    if (folder !== null) expect(existsSync(folder)).toBe(false);
  });

  test("if its parent is killed by SIGKILL", async () => {
    const parent = Bun.spawn([process.execPath, join(import.meta.dir, "doomed-parent.ts")], { stdout: "pipe" });
    const reader = parent.stdout.getReader();
    const { value } = await reader.read();
    const { spawnerPid, folder } = JSON.parse(new TextDecoder().decode(value)) as {
      spawnerPid: number;
      folder: string;
    };
    await until(() => groupMembers(spawnerPid).length > 10);
    expect(existsSync(folder)).toBe(true);
    parent.kill("SIGKILL");
    await parent.exited;
    await nothingLeft(spawnerPid, folder);
  });

  test("if the spawner is killed by SIGKILL: its parent ends the children and removes the folder", async () => {
    const { workload, spawnerPid, folder } = await atWork();
    await using _ = workload;
    process.kill(spawnerPid, "SIGKILL");
    expect(workload.done).rejects.toThrow("SIGKILL");
    await workload.done.catch(() => {});
    expect(existsSync(folder)).toBe(false);
    await nothingLeft(spawnerPid, folder);
  });

  test("if run and spawner are killed by SIGKILL: the next run of any kind removes the folder", async () => {
    const parent = Bun.spawn([process.execPath, join(import.meta.dir, "doomed-parent.ts")], { stdout: "pipe" });
    const { value } = await parent.stdout.getReader().read();
    const { spawnerPid, folder } = JSON.parse(new TextDecoder().decode(value)) as {
      spawnerPid: number;
      folder: string;
    };
    const children = groupMembers(spawnerPid);
    process.kill(parent.pid, "SIGSTOP");
    process.kill(spawnerPid, "SIGKILL");
    parent.kill("SIGKILL");
    await parent.exited;
    expect(existsSync(folder)).toBe(true);
    for (const pid of [...children, ...groupMembers(spawnerPid)]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // The process has ended.
      }
    }
    // The kernel may release the lock a moment after the end of the process.
    await until(() => {
      using _next = new PrivateFolder(FOLDER_PREFIXES.overhead);
      return !existsSync(folder);
    });
  });

  test("other runs do not remove the folder of a working spawner", async () => {
    const { workload, folder } = await atWork();
    await using _ = workload;
    {
      using _next = new PrivateFolder(FOLDER_PREFIXES.workload);
      expect(existsSync(folder)).toBe(true);
    }
    expect(existsSync(folder)).toBe(true);
  });

  test("removeLeftFolder removes only a folder that a spawner could have made", () => {
    const alien = mkdtempSync(join(tmpdir(), "linnix-test-"));
    const inside = join(alien, "linnix-workload-x");
    mkdirSync(inside);
    for (const path of [alien, inside, "/tmp", join(tmpdir(), "linnix-workload-x", "..", basename(alien))]) {
      removeLeftFolder(path);
    }
    expect(existsSync(inside)).toBe(true);
    rmSync(alien, { recursive: true });
  });
});
