import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { LeashedChild } from "../../src/overhead/child.ts";
import { ScratchFile } from "../../src/overhead/scratch-file.ts";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

setDefaultTimeout(60_000);

function shell(script: string, output: ScratchFile, more: Partial<ConstructorParameters<typeof LeashedChild>[0]> = {}) {
  return new LeashedChild({
    argv: ["/bin/sh", "-c", script],
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
    stdin: "ignore",
    stdout: output.fd,
    stderr: "pipe",
    stopSignal: "SIGTERM",
    deathSignal: "KILL",
    ...more,
  });
}

/** Whether a process is there, and not only waiting to be reaped. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

function commOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd();
}

async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 1000 && lives(pid); tries++) await Bun.sleep(10);
  expect(lives(pid)).toBe(false);
}

test("its words are heard once each, in their order, also the last before its end", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  await using child = shell("echo one >&2; echo two >&2; read x; echo last >&2", output, { stdin: "pipe" });
  expect(await child.hear("one")).toBe(true);
  expect(await child.hear("two")).toBe(true);
  expect(await child.hear("one", { timeoutMs: 50 })).toBe(false);
  await child.send("go");
  expect(await child.hear("last")).toBe(true);
  expect(await child.hear("more")).toBe(false);
});

test("waiting for words ends with the signal", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  await using child = shell("sleep 100", output);
  const abort = new AbortController();
  const heard = child.hear("never", { signal: abort.signal });
  abort.abort();
  expect(await heard).toBe(false);
});

test("an end that nobody asked for is a problem, one that was asked for is none", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  await using failing = shell("echo out; exit 7", output);
  await failing.hear("never");
  expect(failing.problem()).toBe("it ended with status 7");
  expect(failing.exitCode).toBe(7);
  await using stopped = shell("sleep 100", output);
  await stopped.stop();
  await stopped.stop();
  expect(stopped.problem()).toBeNull();
  expect([...output.lines()]).toEqual(["out"]);
});

test("with it ends what it has started", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  const child = shell("sleep 100 & echo $! >&2; echo told >&2; wait", output);
  expect(await child.hear("told")).toBe(true);
  const pid = Number(/\d+/.exec(child.said)?.[0]);
  expect(lives(pid)).toBe(true);
  await child.stop();
  await gone(pid);
});

test("it does not outlive a process that is killed", async () => {
  const script = `
    import { LeashedChild } from ${JSON.stringify(`${import.meta.dir}/../../src/overhead/child.ts`)};
    const child = new LeashedChild({ argv: ["/bin/sleep", "100"], env: {}, cwd: "/", stdin: "ignore", stdout: 1,
      stderr: "pipe", stopSignal: "SIGTERM", deathSignal: "KILL" });
    console.log(child.pid);
    await Bun.sleep(100_000);
  `;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  // From there on it is on its leash: what stands before the program's name has been executed.
  for (let tries = 0; tries < 1000 && commOf(pid) !== "sleep"; tries++) await Bun.sleep(10);
  expect(commOf(pid)).toBe("sleep");
  parent.kill("SIGKILL");
  await parent.exited;
  await gone(pid);
});

test("a program that is not there is an error for the user", () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  // With a leash in front of it only the leash's program is looked for.
  try {
    const child = shell("", output, { argv: ["/no/such/program"] });
    expect(child.pid).toBeGreaterThan(0);
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 3 });
  }
});

test("a scratch file has no name, gives whole lines and can be emptied", () => {
  const folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  const child = Bun.spawnSync(["sh", "-c", "printf 'a\\nb\\nhalf'"], { stdout: output.fd });
  expect(child.exitCode).toBe(0);
  expect([...output.lines()]).toEqual(["a", "b"]);
  output.keepBelow(100);
  expect([...output.lines()]).toEqual(["a", "b"]);
  output.keepBelow(2);
  expect([...output.lines()]).toEqual([]);
  folder[Symbol.dispose]();
  expect(existsSync(folder.path)).toBe(false);
});
