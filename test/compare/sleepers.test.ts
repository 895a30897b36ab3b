import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { Sleepers } from "../../src/compare/sleepers.ts";
import { SpawnTimer } from "../../src/compare/spawn-timer.ts";
import { readProcStat } from "../../src/proc-stat.ts";
import { processesNamed, until } from "../observers/machine-state.ts";

setDefaultTimeout(60_000);

const HOLDER = "linnix-sleepers";

test("so many processes sleep until they are given up", async () => {
  const sleepers = await Sleepers.start(25, new AbortController().signal);
  const [holder] = processesNamed(HOLDER).filter((pid) => readProcStat(pid)?.ppid === process.pid);
  expect(holder).toBeDefined();
  const asleep = (): number => processesNamed("sleep").filter((pid) => readProcStat(pid)?.ppid === holder).length;
  await until(() => asleep() === 25);
  const before = processesNamed("sleep").filter((pid) => readProcStat(pid)?.ppid === holder);
  await sleepers[Symbol.asyncDispose]();
  await until(() => before.every((pid) => readProcStat(pid)?.comm !== "sleep"));
});

test("they end with the process that holds them, however it ends", async () => {
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

test("starting is given up when asked to", async () => {
  const controller = new AbortController();
  controller.abort("SIGINT");
  expect(await Sleepers.start(5, controller.signal).catch((reason) => reason)).toBe("SIGINT");
});

test("spawns are timed in a process of its own, which ends when it is given up", async () => {
  const timer = await SpawnTimer.start();
  const { n, p10, p25 } = await timer.time(20, 60_000);
  expect(n).toBe(20);
  expect(p10).toBeGreaterThan(0);
  expect(p25).toBeGreaterThanOrEqual(p10);
  expect((await timer.time(1000, 0)).n).toBe(0);
  await timer[Symbol.asyncDispose]();
  expect(readProcStat(timer.pid)).toBeNull();
});
