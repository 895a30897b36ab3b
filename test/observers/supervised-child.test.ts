import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { SupervisedChild } from "../../src/observers/supervised-child.ts";
import { ScratchFile } from "../../src/overhead/scratch-file.ts";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

setDefaultTimeout(60_000);

/** An argument that identifies the processes of this test. */
const MARK = `61.${process.pid}`;
const isRoot = process.geteuid?.() === 0;
const setpriv = "/usr/bin/setpriv";
const canChangeAccount = isRoot && existsSync(setpriv);
const hasPerl = existsSync("/usr/bin/perl");

/** Processes with the mark among their arguments, without zombies. */
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
  // During an exec a process has no arguments, so the condition may be true at one check and false at the next.
  let isSo = condition();
  for (let tries = 0; tries < 3000 && !isSo; tries++) {
    await Bun.sleep(10);
    isSo = condition();
  }
  expect(isSo).toBe(true);
}

// Processes that one test leaves must not fail the others.
afterEach(() => {
  for (const pid of marked()) process.kill(pid, "SIGKILL");
});

class Running implements AsyncDisposable {
  readonly folder = new PrivateFolder("linnix-overhead-");
  readonly output = new ScratchFile(this.folder);
  command!: SupervisedChild;

  static async start(argv: readonly string[]): Promise<Running> {
    const running = new Running();
    const { output, folder } = running;
    running.command = await SupervisedChild.start({
      argv,
      env: process.env,
      cwd: "/",
      stdout: output.fd,
      stderr: output.fd,
      folder: folder.path,
      stopSignal: "SIGINT",
      deathSignal: "SIGTERM",
    });
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.command[Symbol.asyncDispose]();
    this.output[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

const ESCAPES: [string, string, boolean?][] = [
  ["a child in the background", `sleep ${MARK} &`],
  ["a session of its own", `setsid sleep ${MARK} &`],
  ["a session of its own and an empty environment", `env -i setsid sleep ${MARK} &`],
  ["a daemon that forked twice, with an empty environment", `(env -i setsid sh -c 'sleep ${MARK} & exit' &)`],
  ["a child that ignores signals", `(trap '' TERM INT HUP; env -i setsid sleep ${MARK} &)`],
  ["a child that is stopped", `(env -i setsid sh -c 'kill -STOP $$; exit' ${MARK} &)`],
  [
    "a child of another account",
    `(env -i setsid ${setpriv} --reuid 65534 --clear-groups sleep ${MARK} &)`,
    canChangeAccount,
  ],
  [
    "a child that keeps starting others",
    `(env -i setsid sh -c 'while :; do setsid sleep ${MARK} & sleep 0.01; done' &)`,
  ],
  [
    "a pid namespace of its own",
    `(env -i setsid unshare --pid --fork sh -c 'setsid sleep ${MARK} & sleep ${MARK}' &)`,
    canChangeAccount,
  ],
];

for (const [what, script, can = true] of ESCAPES) {
  for (const rest of ["exec sleep 60", `while [ ! -e "$0" ]; do sleep 0.01; done; exit 0`]) {
    const how = rest.startsWith("exec") ? "stopped" : "ended by itself";
    test.skipIf(!can)(
      `${what} does not outlive a command that is ${how}${can ? "" : " (skipped: needs root)"}`,
      async () => {
        const gate = new PrivateFolder("linnix-overhead-");
        const file = `${gate.path}/go`;
        await using running = await Running.start(["/bin/sh", "-c", `${script}\n${rest}`, file]);
        await until(() => marked().length > 0);
        if (how !== "stopped") {
          await Bun.write(file, "");
          await until(() => running.command.ended);
          expect(running.command.problem()).toBe("it ended with status 0");
        }
        await running.command.stop();
        expect(marked()).toEqual([]);
        gate[Symbol.dispose]();
      },
    );
  }
}

test.skipIf(!hasPerl)(
  `a chain of processes that each fork into a new session and exit is killed${hasPerl ? "" : " (skipped: no perl)"}`,
  async () => {
    const chain = "use POSIX; fork and exit; POSIX::setsid(); while (1) { fork and exit; POSIX::setsid(); }";
    await using running = await Running.start(["/bin/sh", "-c", `perl -e '${chain}' ${MARK}; exec sleep 60`]);
    await until(() => marked().length > 0);
    await running.command.stop();
    expect(marked()).toEqual([]);
  },
);

test("the command and all its children end if linnix is killed by SIGKILL", async () => {
  const module = (name: string): string => JSON.stringify(`${import.meta.dir}/../../src/${name}.ts`);
  const script = `
    import { SupervisedChild } from ${module("observers/supervised-child")};
    import { ScratchFile } from ${module("overhead/scratch-file")};
    import { PrivateFolder } from ${module("sys/private-folder")};
    const folder = new PrivateFolder("linnix-overhead-");
    const argv = ["/bin/sh", "-c", "(env -i setsid sleep ${MARK} &); exec sleep ${MARK}"];
    await SupervisedChild.start({ argv, env: process.env, cwd: "/", stdout: 1, stderr: 2, folder: folder.path, stopSignal: "SIGINT",
      deathSignal: "SIGTERM" });
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

test("the end of a command is reported with its status or signal, or that the program does not exist", async () => {
  for (const [script, problem] of [
    ["exit 7", "it ended with status 7"],
    ["kill -KILL $$", "it was ended by SIGKILL"],
  ] as const) {
    await using running = await Running.start(["/bin/sh", "-c", script]);
    await until(() => running.command.ended);
    expect(running.command.problem()).toBe(problem);
    await running.command.stop();
    await running.command.stop();
  }
});

test("stop() kills a command that ignores SIGINT, and does not report that as a problem", async () => {
  await using running = await Running.start(["/bin/sh", "-c", `trap '' INT; sleep ${MARK} & wait`]);
  await until(() => marked().length > 0);
  await running.command.stop();
  expect(marked()).toEqual([]);
  expect(running.command.problem()).toBeNull();
});
