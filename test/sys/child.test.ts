import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { ScratchFile } from "../../src/overhead/scratch-file.ts";
import { Child } from "../../src/sys/child.ts";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

setDefaultTimeout(60_000);

function shell(script: string, output: ScratchFile, more: Partial<ConstructorParameters<typeof Child>[0]> = {}) {
  return new Child({
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

/** Whether a process exists and is no zombie. */
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

test("hear() finds each text of a child once, in order, also the last before its end", async () => {
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

test("hear() returns false when its signal is aborted", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  await using child = shell("sleep 100", output);
  const abort = new AbortController();
  const heard = child.hear("never", { signal: abort.signal });
  abort.abort();
  expect(await heard).toBe(false);
});

test("problem() reports an unexpected end of a child, and null for an expected end", async () => {
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

test("stop() also ends processes that the child has started", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  const child = shell("sleep 100 & echo $! >&2; echo told >&2; wait", output);
  expect(await child.hear("told")).toBe(true);
  const pid = Number(/\d+/.exec(child.said)?.[0]);
  expect(lives(pid)).toBe(true);
  await child.stop();
  await gone(pid);
});

test("a child ends when its linnix process is killed", async () => {
  const script = `
    import { Child } from ${JSON.stringify(`${import.meta.dir}/../../src/sys/child.ts`)};
    const child = new Child({ argv: ["/bin/sleep", "100"], env: {}, cwd: "/", stdin: "ignore", stdout: 1,
      stderr: "pipe", stopSignal: "SIGTERM", deathSignal: "KILL" });
    console.log(child.pid);
    await Bun.sleep(100_000);
  `;
  const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  // Once the comm is the program's, the child ends with its parent: the supervising commands have been executed.
  for (let tries = 0; tries < 1000 && commOf(pid) !== "sleep"; tries++) await Bun.sleep(10);
  expect(commOf(pid)).toBe("sleep");
  parent.kill("SIGKILL");
  await parent.exited;
  await gone(pid);
});

test("a program that does not exist is an error with exit code 3", () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  // With a supervising command before it, only that command must exist.
  try {
    const child = shell("", output, { argv: ["/no/such/program"] });
    expect(child.pid).toBeGreaterThan(0);
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 3 });
  }
});

test("a scratch file has no name, returns whole lines and can be emptied", () => {
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

function speaking(script: string): Child {
  return new Child({ argv: ["/bin/sh", "-c", script], stdin: "pipe", stdout: "pipe", stderr: "pipe" });
}

test("answer() returns one line of a child at a time, and null after its end", async () => {
  await using child = speaking("while read -r word; do echo $word; echo $word again; done; printf half");
  await child.send("one");
  expect([await child.answer(30_000), await child.answer(30_000)]).toEqual(["one", "one again"]);
  expect(await child.answer(20)).toBeNull();
  await child.stop();
  await child.send("more");
  expect(await child.answer(30_000)).toBeNull();
  expect(child.exitCode).toBe(0);
});

test("without a stop signal stop() closes the input of a child, and kills its session if it does not end", async () => {
  await using willing = speaking("read -r _; exit 3");
  await willing.stop();
  expect([willing.exitCode, willing.signalCode]).toEqual([3, null]);
  await using unwilling = speaking("sleep 100 & echo $!; wait; wait");
  const pid = Number(await unwilling.answer(30_000));
  await unwilling.stop(20);
  expect(unwilling.signalCode).toBe("SIGKILL");
  await gone(pid);
});

test("a child has only PATH in its environment unless another is given", async () => {
  await using child = speaking("/usr/bin/env | /usr/bin/sort | /usr/bin/tr '\\n' ' '; echo");
  expect(await child.answer(30_000)).toMatch(/^PATH=\S+ PWD=\/( \w+=\S*)? $/);
});

test("processes that a child started end with it, also without stop()", async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  using output = new ScratchFile(folder);
  await using child = shell("sleep 100 & echo $! >&2", output);
  expect(await child.hear("\n")).toBe(true);
  const pid = Number(child.said.trim());
  expect(pid).toBeGreaterThan(1);
  await gone(pid);
});
