import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { LinnixError } from "../../src/errors.ts";
import { LaunchedTool } from "../../src/observers/launch.ts";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

setDefaultTimeout(60_000);

/** An argument that identifies the processes of this test. */
const MARK = `62.${process.pid}`;

function marked(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[1-9]\d*$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0").includes(MARK);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (condition()) return;
    await Bun.sleep(10);
  }
  throw new Error("it did not come about");
}

function launch(folder: PrivateFolder, script: string): LaunchedTool {
  const argv = ["/bin/sh", "-c", script];
  return new LaunchedTool({ argv, folder: folder.path, stopSignal: "SIGTERM", isSupervised: true });
}

test("a tool reports the program's own pid, output, errors and CPU time, not those of its supervisor", async () => {
  using folder = new PrivateFolder("linnix-compare-");
  const tool = launch(
    folder,
    "echo $$; echo 'oh dear' >&2; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 60",
  );
  await tool.whenReady(() => tool.outputBytes() > 0);
  expect(Number(readFileSync(tool.outputPath, "latin1"))).toBe(tool.pid);
  expect([tool.ended, tool.problem(), tool.usage()]).toEqual([false, null, null]);
  await Bun.sleep(300);
  await tool.stop();
  expect([tool.ended, tool.problem(), tool.lastWords()]).toEqual([true, null, "oh dear"]);
  const { cpuUserUs = 0, cpuSystemUs = 0 } = tool.usage() ?? {};
  // Without the CPU time of its supervisor, whose start takes longer than this loop of the shell.
  expect(cpuUserUs + cpuSystemUs).toBeGreaterThan(0);
});

test("processes that a tool started in other sessions, with an empty environment, end with it", async () => {
  for (const rest of ["exec sleep 60", "exit 3"]) {
    using folder = new PrivateFolder("linnix-compare-");
    const tool = launch(folder, `(env -i setsid sh -c 'sleep ${MARK} & exec sleep ${MARK}' &); echo x; ${rest}`);
    if (rest.startsWith("exec")) {
      await tool.whenReady(() => marked().length > 0);
    } else {
      await tool.whenReady(() => tool.ended).catch(() => {});
      await until(() => tool.ended);
      expect(tool.problem()).toBe("sh ended with status 3");
    }
    await tool.stop();
    await until(() => marked().length === 0);
  }
});

test("a tool that does not exist, or ends at once, causes an error with exit code 3", async () => {
  using folder = new PrivateFolder("linnix-compare-");
  const tool = new LaunchedTool({
    argv: ["/no/such/program"],
    folder: folder.path,
    stopSignal: "SIGTERM",
    isSupervised: true,
  });
  const error = (await tool.whenReady(() => false).catch((cause) => cause)) as LinnixError;
  expect([error.code, error.exitCode]).toEqual(["cannot-run.method-ended", 3]);
  await tool.stop();
});

test("the tool and all its children end if the linnix process is killed by SIGKILL", async () => {
  const module = (name: string): string => JSON.stringify(`${import.meta.dir}/../../src/${name}.ts`);
  const script = `
    import type { LinnixError } from "../../src/errors.ts";
import { LaunchedTool } from ${module("observers/launch")};
    import { PrivateFolder } from ${module("sys/private-folder")};
    const folder = new PrivateFolder("linnix-compare-").path;
    const argv = ["/bin/sh", "-c", "trap '' TERM; (env -i setsid sleep ${MARK} &); sleep ${MARK}; sleep 60"];
    const tool = new LaunchedTool({ argv, folder, stopSignal: "SIGTERM", isSupervised: true });
    await tool.whenReady(() => true);
    console.log("started");
    await Bun.sleep(100_000);
  `;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  await parent.stdout.getReader().read();
  await until(() => marked().length === 2);
  parent.kill("SIGKILL");
  await parent.exited;
  await until(() => marked().length === 0);
});
