/** A blocked output: other work goes on, dropped lines are counted, and writing resumes at a whole line. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CollectOutput, parseOutput } from "./support/collect-output.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { BINARY, reasonOf, titled, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(120_000);

const reason = whyNotHere();
const fixture = useFixture(reason);

const ARGS = ["--format", "jsonl", "--flush-interval", "50ms", "--ring-size", "4MiB", "--sample-interval", "0"];
const OPEN = [...ARGS, "--listen", "127.0.0.1:0"];

interface Status {
  received: { fork: number; exec: number; exit: number };
  unwritten: { lines: number; bytes: number; by_type: { [type: string]: number } };
}

/** The answer of a run, which must arrive although its output is blocked. */
async function answer(run: CollectRun, path: string): Promise<Response> {
  const url = await until("its address", () => /answering at (\S+)/.exec(run.stderr)?.[1]);
  return fetch(new URL(path, url));
}

async function status(run: CollectRun): Promise<Status> {
  return (await (await answer(run, "/status")).json()) as Status;
}

function execute(count: number): void {
  for (let i = 0; i < count; i++) Bun.spawnSync(["/bin/true", "x".repeat(900)]);
}

/** Executes programs until the output has dropped something. */
async function untilDropped(run: CollectRun): Promise<Status> {
  for (;;) {
    const now = await status(run);
    if (now.unwritten.lines > 0) return now;
    execute(100);
  }
}

async function untilReadyz(run: CollectRun, wanted: "ready" | "degraded"): Promise<string> {
  for (;;) {
    const { status: found, reasons } = (await (await answer(run, "/readyz")).json()) as {
      status: string;
      reasons: string[];
    };
    if (found === wanted) return reasons.join("; ");
    execute(1);
    await Bun.sleep(100);
  }
}

/** Expects that every received event is in the file or counted as not written. */
function expectAccounted({ events, summary, others }: CollectOutput): void {
  const { received, unwritten } = summary as unknown as Status;
  for (const type of ["fork", "exec", "exit"] as const) {
    const written = events.filter((event) => event.type === type).length;
    expect({ type, count: written + (unwritten.by_type[type] ?? 0) }).toEqual({ type, count: received[type] });
  }
  const gaps = others.filter(({ type }) => type === "unwritten") as unknown as { lines: number }[];
  expect(gaps.reduce((sum, { lines }) => sum + lines, 0)).toBe(unwritten.lines);
}

function command(words: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
}

/** An ext4 filesystem on a loop device, which can be frozen. */
class FreezableDisk implements Disposable {
  readonly path: string;
  #isFrozen = false;

  constructor(folder: string) {
    const image = join(folder, "image");
    this.path = join(folder, "disk");
    mkdirSync(this.path);
    command(["truncate", "-s", "32M", image]);
    command(["mkfs.ext4", "-q", image]);
    command(["mount", "-o", "loop", image, this.path]);
  }

  freeze(): void {
    command(["fsfreeze", "--freeze", this.path]);
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#isFrozen) command(["fsfreeze", "--unfreeze", this.path]);
    this.#isFrozen = false;
  }

  [Symbol.dispose](): void {
    this.thaw();
    Bun.spawnSync(["umount", "-l", this.path]);
  }
}

function whyNoLoop(): string | null {
  if (reason !== null) return null;
  if (!Bun.which("mkfs.ext4") || !Bun.which("fsfreeze")) return "needs mkfs.ext4 and fsfreeze";
  return Bun.spawnSync(["losetup", "--find"]).exitCode === 0 ? null : "needs loop devices";
}

describe.skipIf(reason !== null)(titled("a blocked output", reason), () => {
  const folder = (name: string) => mkdtempSync(join(fixture().directory, name));

  const noLoop = reasonOf(whyNoLoop());
  describe.skipIf(noLoop !== null)(titled("on a frozen filesystem", noLoop), () => {
    test("the API answers, lines without room are counted, and writing resumes after the thaw", async () => {
      using disk = new FreezableDisk(folder("frozen-"));
      const file = join(disk.path, "events.jsonl");
      await using run = await CollectRun.start([...OPEN, "--output", file]);
      using _thawed = { [Symbol.dispose]: () => disk.thaw() };
      execute(10);
      disk.freeze();
      await untilDropped(run);
      expect(await untilReadyz(run, "degraded")).toContain("accepts no lines");
      expect(await (await answer(run, "/metrics")).text()).toMatch(/^linnix_output_lost_events_total [1-9]/m);
      // A reload opens the output again without waiting for it.
      run.child.kill("SIGHUP");
      await until("the reload", () => run.stderr.includes("configuration read again"));
      disk.thaw();
      await untilReadyz(run, "ready");
      run.child.kill("SIGTERM");
      expect(await run.child.exited).toBe(0);
      const output = parseOutput(readFileSync(file, "utf8"));
      expect(output.others.filter(({ type }) => type === "unwritten").length).toBeGreaterThan(0);
      expectAccounted(output);
    });

    for (const [how, args] of [
      ["SIGTERM", OPEN],
      ["SIGTERM, without an API", ARGS],
      ["--duration", [...OPEN, "--duration", "4s"]],
    ] as const) {
      test(`${how}: the summary goes to stderr, and nothing stays attached while the file hangs`, async () => {
        using disk = new FreezableDisk(folder("frozen-end-"));
        await using run = await CollectRun.start([...args, "--output", join(disk.path, "events.jsonl")]);
        // Thaw before waiting for the run, also if an expectation fails.
        using _thawed = { [Symbol.dispose]: () => disk.thaw() };
        execute(10);
        disk.freeze();
        execute(10);
        if (how !== "--duration") {
          await Bun.sleep(200);
          run.child.kill("SIGTERM");
          run.child.kill("SIGTERM");
        }
        await until("the error", () => run.stderr.includes("could not be written"));
        const line = run.stderr.split("\n").find((text) => text.startsWith('{"type":"summary"'));
        expect((JSON.parse(line ?? "") as Status).unwritten.lines).toBeGreaterThan(0);
        // The writing thread cannot end, but it has no link, map or socket open.
        await until("the process to end but for that thread", () => {
          return /^State:\s+Z/m.test(readFileSync(`/proc/${run.pid}/status`, "utf8"));
        });
        const open = Bun.spawnSync(["sh", "-c", `ls -l /proc/${run.pid}/task/*/fd`]).stdout.toString();
        // The standard descriptors of the run may be sockets.
        expect(open).not.toMatch(/bpf|perf_event| ([3-9]|\d\d+) -> socket:/);
        disk.thaw();
        expect(await run.child.exited).toBe(3);
      });
    }

    test("--user: linnix drops root and handles SIGTERM although the log and the output hang", async () => {
      using disk = new FreezableDisk(folder("frozen-user-"));
      const [output, log] = ["events.jsonl", "log"].map((name) => openSync(join(disk.path, name), "w")) as [
        number,
        number,
      ];
      disk.freeze();
      // Messages of the start wait for the file when linnix changes the user.
      const args = [...ARGS, "--user", "nobody", "--log-level", "debug"];
      // An unknown variable causes a warning before the log has its own thread: that warning would block.
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LINNIX_")));
      const child = Bun.spawn([BINARY, "collect", ...args], { stdin: "ignore", stdout: output, stderr: log, env });
      const status = () => readFileSync(`/proc/${child.pid}/status`, "utf8");
      try {
        await until("root to be given up", () => !/^Uid:\s+0\s/m.test(status()));
        child.kill("SIGTERM");
        await until("the process to end but for threads that write", () => /^State:\s+Z/m.test(status()));
      } finally {
        disk.thaw();
        child.kill("SIGKILL");
        await child.exited;
        closeSync(output);
        closeSync(log);
      }
    });
  });

  test("on a full disk, with an API: the run goes on, and writes whole lines once there is room", async () => {
    const place = folder("full-");
    command(["mount", "-t", "tmpfs", "-o", "size=256k", "linnix-test", place]);
    try {
      const file = join(place, "events.jsonl");
      writeFileSync(join(place, "ballast"), new Uint8Array(128 * 1024));
      await using run = await CollectRun.start([...OPEN, "--output", file]);
      execute(150);
      expect(await untilReadyz(run, "degraded")).toContain("no space is left on the device");
      expect(readFileSync(file, "utf8").endsWith("\n")).toBe(true);
      await untilDropped(run);
      command(["mount", "-o", "remount,size=64m", place]);
      await untilReadyz(run, "ready");
      rmSync(join(place, "ballast"));
      run.child.kill("SIGTERM");
      expect(await run.child.exited).toBe(0);
      expectAccounted(parseOutput(readFileSync(file, "utf8")));
    } finally {
      Bun.spawnSync(["umount", "-l", place]);
    }
  });

  for (const [how, args] of [
    ["with", OPEN],
    ["without", ARGS],
  ] as const) {
    test(`a FIFO whose reader closes it serves the next reader, ${how} an API`, async () => {
      const fifo = join(folder("fifo-"), "fifo");
      command(["mkfifo", fifo]);
      const first = Bun.spawn(["head", "-n", "1", fifo], { stdout: "pipe" });
      await using run = await CollectRun.start([...args, "--output", fifo]);
      await until("the first reader to end", () => {
        execute(1);
        return first.exitCode !== null;
      });
      await until("the warning", () => {
        execute(1);
        return run.stderr.includes("its reader has gone");
      });
      expect(run.child.exitCode).toBeNull();
      const next = Bun.spawn(["cat", fifo], { stdout: "pipe" });
      const read = new Response(next.stdout).text();
      await until("lines to go on", () => {
        execute(1);
        return run.stderr.includes("accepts lines again");
      });
      run.child.kill("SIGTERM");
      expect(await run.child.exited).toBe(0);
      const lines = (await read).trimEnd().split("\n");
      expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ type: "summary" });
    });
  }

  test("a pipe without reads, with an API: the process table and sampling go on", async () => {
    const fifo = join(folder("unread-"), "fifo");
    command(["mkfifo", fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    await using run = await CollectRun.start([...OPEN, "--output", fifo]);
    await untilDropped(run);
    const sleeper = Bun.spawn(["sleep", "600"]);
    try {
      for (let found = 404; found !== 200; await Bun.sleep(20)) {
        found = (await answer(run, `/processes/${sleeper.pid}`)).status;
      }
    } finally {
      sleeper.kill();
    }
    run.child.kill("SIGTERM");
    expect(await run.child.exited).toBe(3);
    expect(run.stderr).toContain('{"type":"summary"');
    closeSync(reader);
  });

  test("stderr as a socket that is not read does not block the run", async () => {
    const file = join(folder("socket-"), "events.jsonl");
    const script = `
import os, socket, subprocess, sys
ours, theirs = socket.socketpair()
theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
child = subprocess.Popen(sys.argv[1:], stderr=theirs, stdout=subprocess.DEVNULL)
theirs.close()
print(child.pid, flush=True)
sys.stdin.readline()
child.terminate()
print(child.wait(), flush=True)
`;
    const python = Bun.which("python3");
    if (!python) throw new Error("needs python3");
    const args = [BINARY, "collect", ...ARGS, "--output", file];
    await using parent = Bun.spawn([python, "-c", script, ...args], { stdin: "pipe", stdout: "pipe" });
    const text = parent.stdout.getReader();
    const line = async () => {
      let said = "";
      // A chunk may be empty.
      while (!said.includes("\n")) {
        const { value, done } = await text.read();
        if (done) break;
        said += new TextDecoder().decode(value);
      }
      return said.trim();
    };
    const pid = Number(await line());
    await until("the first events", () => {
      execute(1);
      try {
        return readFileSync(file, "utf8") !== "";
      } catch {
        return false;
      }
    });
    // These are more messages than the socket has room for.
    for (let i = 0; i < 100; i++) {
      process.kill(pid, "SIGHUP");
      await Bun.sleep(10);
    }
    parent.stdin.write("\n");
    await parent.stdin.flush();
    expect(await line()).toBe("0");
    expect(parseOutput(readFileSync(file, "utf8")).summary).toBeTruthy();
  });
});
