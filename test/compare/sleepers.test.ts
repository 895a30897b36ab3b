import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Sleepers } from "../../src/compare/sleepers.ts";
import { SpawnTimer } from "../../src/compare/spawn-timer.ts";
import { readProcStat } from "../../src/procfs/proc-stat.ts";
import { titled } from "../kernel/support/needs.ts";
import { inCgroups, TestCgroup } from "../kernel/support/test-cgroup.ts";
import { processesNamed, until } from "../observers/machine-state.ts";

setDefaultTimeout(60_000);

const HOLDER = "linnix-sleepers";

test("sleepers start in the wanted number, and sleep until they are disposed of", async () => {
  const sleepers = await Sleepers.start(25, new AbortController().signal);
  const [holder] = processesNamed(HOLDER).filter((pid) => readProcStat(pid)?.ppid === process.pid);
  expect(holder).toBeDefined();
  const asleep = (): number => processesNamed("sleep").filter((pid) => readProcStat(pid)?.ppid === holder).length;
  await until(() => asleep() === 25);
  const before = processesNamed("sleep").filter((pid) => readProcStat(pid)?.ppid === holder);
  await sleepers[Symbol.asyncDispose]();
  await until(() => before.every((pid) => readProcStat(pid)?.comm !== "sleep"));
});

test("sleepers end with the process that started them, however it ends", async () => {
  const program = `
    import { Sleepers } from ${JSON.stringify(join(import.meta.dir, "../../src/compare/sleepers.ts"))};
    await Sleepers.start(10, new AbortController().signal);
    console.log("asleep");
    setInterval(() => {}, 1000);`;
  const owner = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
  await owner.stdout.getReader().read();
  const holders = processesNamed(HOLDER).filter((pid) => readProcStat(pid)?.ppid === owner.pid);
  expect(holders).toHaveLength(1);
  const sleeping = processesNamed("sleep").filter((pid) => readProcStat(pid)?.ppid === holders[0]);
  owner.kill("SIGKILL");
  await owner.exited;
  await until(() => [...holders, ...sleeping].every((pid) => !["sh", "sleep"].includes(readProcStat(pid)?.comm ?? "")));
});

/** Mount point of the pids controller of cgroup v1; under v2 the controller is usually off in new cgroups of root. */
const pids = /^\S+ (\S+) cgroup \S*\bpids\b/m.exec(readFileSync("/proc/self/mounts", "latin1"))?.[1];
const noPids = process.geteuid?.() !== 0 ? "needs root" : pids === undefined ? "needs the pids controller" : null;

test.skipIf(noPids !== null)(titled("all started sleepers end if some cannot be started", noPids), async () => {
  await using cgroup = new TestCgroup(pids ?? "");
  const directory = cgroup.directory(cgroup.path);
  writeFileSync(`${directory}/pids.max`, "60");
  const program = `
    import { Sleepers } from ${JSON.stringify(join(import.meta.dir, "../../src/compare/sleepers.ts"))};
    const failed = await Sleepers.start(100, new AbortController().signal).then(() => "", String);
    console.log(failed);`;
  const child = Bun.spawn([...inCgroups(directory), process.execPath, "-e", program], { stdout: "pipe" });
  expect(await new Response(child.stdout).text()).toBe("Error: 100 sleeping processes could not be started\n");
  await child.exited;
  await until(() => readFileSync(`${directory}/cgroup.procs`, "latin1") === "");
});

test("an abort ends the starting of sleepers", async () => {
  const controller = new AbortController();
  controller.abort("SIGINT");
  expect(await Sleepers.start(5, controller.signal).catch((reason) => reason)).toBe("SIGINT");
});

test("a separate process times spawns, and ends at an abort", async () => {
  const timer = await SpawnTimer.start();
  const { n, p10, p25 } = await timer.time(20, 60_000);
  expect(n).toBe(20);
  expect(p10).toBeGreaterThan(0);
  expect(p25).toBeGreaterThanOrEqual(p10);
  expect((await timer.time(1000, 0)).n).toBe(0);
  await timer[Symbol.asyncDispose]();
  expect(readProcStat(timer.pid)).toBeNull();
});
