import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import { parseOutput } from "./support/collect-output.ts";
import { CollectRun, endedWell, until } from "./support/collect-run.ts";
import { BINARY, programPath, succeeds, titled, whyNoTerminal, whyNotHere } from "./support/needs.ts";
import { inMounts } from "./support/places.ts";

setDefaultTimeout(60_000);

const reason = whyNotHere();
const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** First lines of every configuration in this file. */
const HEAD = "[output]\nformat = 'jsonl'\n[ring]\nsize = '4MiB'\nflush_interval = '20ms'\n";

function config(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, HEAD + text, { mode: 0o600 });
  return path;
}

/** Sends SIGHUP, and waits until linnix has reported its `count`-th reload. */
async function reload(collect: CollectRun, count = 1): Promise<void> {
  const told = /^linnix: (error: the configuration stays|configuration read again)/gm;
  collect.child.kill("SIGHUP");
  await until("a word of the configuration", () => (collect.stderr.match(told)?.length ?? 0) >= count);
}

describe.skipIf(reason !== null)(titled("redaction", reason), () => {
  test("hides arguments in every output, also those of processes that started before the run", async () => {
    const before = Bun.spawn(["/bin/sh", "-c", "read line", "--password=geheim"], { stdin: "pipe" });
    const path = config("redaction.toml", "[redaction]\nredact = true\npatterns = ['password=(\\S+)', 'ano(ther)']\n");
    await using collect = await CollectRun.start(["--config", path]);
    before.stdin.write("go on\n");
    before.stdin.end();
    const exit = await collect.event("an exit", (event) => event.type === "exit" && event.pid === before.pid);
    expect(exit).toMatchObject({ args: ["/bin/sh", "-c", "read line", "--password=[redacted]"] });
    const { pid } = Bun.spawnSync(["/bin/echo", "another", "an other"]);
    const exec = await collect.event("an exec", (event) => event.type === "exec" && event.pid === pid);
    expect(exec).toMatchObject({ args: ["/bin/echo", "ano[redacted]", "an other"] });
    await collect.stop();
  });
});

describe.skipIf(reason !== null)(titled("SIGHUP", reason), () => {
  test("applies settings that can change, and names those that cannot", async () => {
    const path = config("changes.toml", "[sampling]\ninterval = 0\n");
    await using collect = await CollectRun.start(["--config", path, "--linger", "9s"]);
    Bun.spawnSync(["/bin/echo", "before"]);
    await collect.event("an exec", (event) => event.type === "exec" && event.args?.[1] === "before");
    config(
      "changes.toml",
      "[sampling]\ninterval = '50ms'\n[redaction]\nredact = true\n[retention]\nlinger = '1s'\n[probes]\nevents = ['exit']\n",
    );
    await reload(collect);
    const { pid } = Bun.spawnSync(["/bin/echo", "after"]);
    const exec = await collect.event("an exec", (event) => event.type === "exec" && event.pid === pid);
    expect(exec).toMatchObject({ args: ["/bin/echo", "[redacted]"] });
    await until("a sample", () => collect.others.some(({ type }) => type === "sample"));
    // The command-line option has priority over the file.
    expect(collect.stderr).toMatch(
      /^linnix: configuration read again: sampling\.interval = "50ms", redaction\.redact = true; redaction holds .*$/m,
    );
    expect(collect.stderr).toMatch(/^linnix: warning: these changes need a restart: probes\.events = \["exit"\]$/m);
    await collect.stop();
  });

  test("hides known arguments after redaction is switched on, and warns when it is switched off", async () => {
    const path = config("later.toml", "[api]\nlisten = '127.0.0.1:0'\n");
    await using collect = await CollectRun.start(["--config", path]);
    const url = await until("its address", () => /answering at (\S+)/.exec(collect.stderr)?.[1]);
    const stream = await fetch(`${url}events`);
    const live = Bun.spawn(["/bin/sh", "-c", "read line", "--password=hunter2-live"], { stdin: "pipe" });
    Bun.spawnSync(["/bin/echo", "--password=hunter2-past"]);
    await collect.event("an exit", (event) => event.type === "exit" && event.args?.[1] === "--password=hunter2-past");
    const answers = async () => {
      const texts = ["processes?limit=10000", `graph/${process.pid}`, `processes/${live.pid}`].map(async (route) =>
        (await fetch(url + route)).text(),
      );
      return (await Promise.all(texts)).join("\n");
    };
    expect(await answers()).toContain("hunter2-live");
    config("later.toml", "[api]\nlisten = '127.0.0.1:0'\n[redaction]\nredact = true\npatterns = ['password=(\\S+)']\n");
    await reload(collect);
    expect(await answers()).not.toContain("hunter2");
    const again = await fetch(`${url}events`, { headers: { "Last-Event-ID": "0" } });
    const reader = again.body?.getReader();
    let text = "";
    for (let i = 0; i < 500 && !text.includes("hunter3"); i++) {
      if (i % 20 === 0) Bun.spawnSync(["/bin/echo", "hunter3"]);
      text += new TextDecoder().decode((await reader?.read())?.value);
    }
    expect(text).toContain('"reason":"redaction"');
    expect(text).not.toContain("hunter2");
    await reader?.cancel();
    await stream.body?.cancel();
    live.stdin.end();
    const exit = await collect.event("its exit", (event) => event.type === "exit" && event.pid === live.pid);
    expect(exit).toMatchObject({ args: ["/bin/sh", "-c", "read line", "--password=[redacted]"] });
    // An editor may leave the file like this for a moment.
    writeFileSync(path, "");
    await reload(collect, 2);
    expect(collect.stderr).toMatch(/^linnix: warning: redaction is switched off/m);
    await collect.stop();
  });

  test("reports a changed token in the same file", async () => {
    const token = join(directory, "token");
    const write = (text: string) => writeFileSync(token, text, { mode: 0o600 });
    write("one-token-of-16-letters");
    const path = config("token.toml", `[api]\nlisten = '127.0.0.1:0'\ntoken_file = '${token}'\n`);
    await using collect = await CollectRun.start(["--config", path]);
    write("another-one-of-16-letters");
    await reload(collect);
    await reload(collect, 2);
    const told = collect.stderr.split("\n").filter((line) => line.includes("read again"));
    expect(told).toEqual([
      "linnix: configuration read again: the API's token",
      "linnix: configuration read again: nothing has changed",
    ]);
    await collect.stop();
  });

  test.each(["debug", "silent"])("sets the log level for later failures: info after %s", async (level) => {
    const child = Bun.spawn(["/bin/sh", "-c", "read line; seq 20 | xargs -n 1 /bin/true"], { stdin: "pipe" });
    // Until the child continues, linnix writes only the start event, for which there is room.
    const quiet = `[sampling]\ninterval = 0\n[budget]\ncpu = 0\n[filters]\npid = [${child.pid}]\n`;
    const path = config("level.toml", `${quiet}[log]\nlevel = '${level}'\n`);
    const full = join(directory, `full-${level}`);
    mkdirSync(full);
    const small = inMounts(`mount -t tmpfs -o size=4k none ${full}; exec >${full}/events`);
    await using run = spawnCollect(["--config", path], ...small);
    await listening(run.child.pid);
    config("level.toml", `${quiet}[log]\nlevel = 'info'\n`);
    run.child.kill("SIGHUP");
    await until("a word of the configuration", () => run.stderr().includes('read again: log.level = "info"'));
    child.stdin.write("go on\n");
    child.stdin.end();
    expect(await run.child.exited).toBe(EXIT.cannotRun);
    expect(run.stderr()).toContain("no space is left");
    expect(run.stderr()).not.toMatch(/^ +at /m);
  });

  test("with an error in the configuration changes nothing", async () => {
    const path = config("error.toml", "");
    await using collect = await CollectRun.start(["--config", path]);
    config("error.toml", "[redaction]\nredact = true\npaterns = ['x']\n");
    await reload(collect);
    const { pid } = Bun.spawnSync(["/bin/echo", "shown"]);
    const exec = await collect.event("an exec", (event) => event.type === "exec" && event.pid === pid);
    expect(exec).toMatchObject({ args: ["/bin/echo", "shown"] });
    expect(collect.stderr).toContain(`${path}:8: redaction.paterns; unknown key of [redaction]; did you mean`);
    // linnix does not read a file that became untrusted either.
    config("error.toml", "");
    chmodSync(path, 0o606);
    await reload(collect, 2);
    expect(collect.stderr).toContain(`chmod o-w ${path}`);
    await collect.stop();
  });

  test("opens a new file after the output was renamed: nothing is lost, and all lines are whole", async () => {
    const path = join(directory, "rotated.jsonl");
    await using collect = await CollectRun.start(["--config", config("rotated.toml", ""), "--output", path]);
    const pids: number[] = [];
    for (let round = 1; round <= 5; round++) {
      for (let i = 0; i < 20; i++) pids.push(Bun.spawnSync(["/bin/true"]).pid);
      renameSync(path, `${path}.${round}`);
      await reload(collect, round);
    }
    collect.child.kill("SIGTERM");
    const ended = await collect.ended();
    const texts = [1, 2, 3, 4, 5].map((round) => readFileSync(`${path}.${round}`, "utf8"));
    for (const text of texts) expect(text === "" || text.endsWith("\n")).toBe(true);
    const output = parseOutput([...texts, readFileSync(path, "utf8")].join(""));
    endedWell({ ...ended, ...output });
    const exited = new Set(output.events.flatMap((event) => (event.type === "exit" ? [event.pid] : [])));
    expect(pids.filter((pid) => !exited.has(pid))).toEqual([]);
  });

  test("that arrives during the start is not lost", async () => {
    const path = config("starting.toml", "");
    // The API and classic tracepoints make the start longer.
    const listen = `unix:${join(directory, "starting.sock")}`;
    const args = ["--config", path, "--backend", "tracepoint", "--listen", listen, "--output", "/dev/null"];
    await using run = spawnCollect(args);
    await listening(run.child.pid);
    config("starting.toml", "[retention]\nlinger = '9s'\n");
    run.child.kill("SIGHUP");
    await until("a word of the configuration", () => run.stderr().includes('read again: retention.linger = "9s"'));
    run.child.kill("SIGTERM");
    expect(await run.child.exited).toBe(0);
  });

  test("that arrives before linnix handles signals does not end the run", async () => {
    for (let round = 0; round < 5; round++) {
      await using run = spawnCollect(["--config", config("early.toml", ""), "--output", "/dev/null"]);
      const { pid } = run.child;
      // linnix blocks only SIGHUP first, for a few milliseconds: too short to sleep between two checks.
      const giveUp = Date.now() + 5000;
      while (signals(pid, "SigBlk") !== 1n && !catchesHangup(pid) && Date.now() < giveUp) {}
      run.child.kill("SIGHUP");
      const hasEnded = () => run.child.exitCode !== null || run.child.signalCode !== null;
      await until("linnix to watch", () => hasEnded() || run.stderr().includes("watching by"));
      expect([run.child.exitCode, run.child.signalCode]).toEqual([null, null]);
      expect(signals(pid, "SigBlk")).toBe(0n);
      run.child.kill("SIGTERM");
      expect(await run.child.exited).toBe(0);
    }
  });

  test("that arrives every millisecond during the start does not end the run", async () => {
    await using run = spawnCollect(["--config", config("storm.toml", ""), "--output", "/dev/null"]);
    const { pid } = run.child;
    const giveUp = Date.now() + 5000;
    while (signals(pid, "SigBlk") !== 1n && !catchesHangup(pid) && Date.now() < giveUp) {}
    const hasEnded = () => run.child.exitCode !== null || run.child.signalCode !== null;
    // The kernel aborts loading a program if a signal is pending, and libbpf tries five times.
    const storm = setInterval(() => run.child.kill("SIGHUP"), 1);
    await until("linnix to watch", () => hasEnded() || run.stderr().includes("watching by"));
    clearInterval(storm);
    expect([run.stderr(), hasEnded()]).toEqual([expect.stringContaining("watching by"), false]);
    expect(signals(pid, "SigBlk")).toBe(0n);
    run.child.kill("SIGTERM");
    expect(await run.child.exited).toBe(0);
  });

  const noBlock = reason ?? (succeeds("env", "--block-signal=HUP", "true") ? null : "needs env --block-signal");
  test.skipIf(noBlock !== null)(
    titled("is handled from the start even if the parent process blocks it", noBlock),
    async () => {
      const args = ["--config", config("blocked.toml", ""), "--output", "/dev/null"];
      await using run = spawnCollect(args, "env", "--block-signal=HUP");
      const isExecuted = () => readFileSync(`/proc/${run.child.pid}/comm`, "utf8") === "linnix\n";
      const giveUp = Date.now() + 5000;
      while (!isExecuted() && Date.now() < giveUp) {}
      run.child.kill("SIGHUP");
      await until("linnix to read again", () => run.stderr().includes("configuration read again"));
      expect(signals(run.child.pid, "SigBlk")).toBe(0n);
      run.child.kill("SIGTERM");
      expect(await run.child.exited).toBe(0);
    },
  );

  test("and other signals during the end do not cut the output", async () => {
    const socket = join(directory, "impatient.sock");
    const output = join(directory, "impatient.jsonl");
    const path = config("impatient.toml", "");
    await using run = spawnCollect(["--config", path, "--output", output, "--listen", `unix:${socket}`]);
    await until("linnix to watch", () => run.stderr().includes("watching by"));
    const signals = ["SIGTERM", "SIGHUP", "SIGINT"] as const;
    let exited = false;
    void run.child.exited.then(() => {
      exited = true;
    });
    for (let i = 0; !exited; i++) {
      run.child.kill(signals[i % signals.length]);
      await Bun.sleep(1);
    }
    expect(run.child.exitCode).toBe(0);
    expect(parseOutput(readFileSync(output, "utf8")).summary).not.toBeNull();
  });

  test("keeps redaction if the file that switched it on is gone", async () => {
    const path = config("gone-file.toml", "[redaction]\nredact = true\n");
    await using collect = await CollectRun.start(["--config", path]);
    rmSync(path);
    await reload(collect);
    const { pid } = Bun.spawnSync(["/bin/echo", "secret"]);
    const exec = await collect.event("an exec", (event) => event.type === "exec" && event.pid === pid);
    expect(exec).toMatchObject({ args: ["/bin/echo", "[redacted]"] });
    expect(collect.stderr).toContain("no such file");
    await collect.stop();
  });

  const noTerminal = reason ?? whyNoTerminal("script");
  test.skipIf(noTerminal !== null)(titled("ends the run if stdout is a terminal", noTerminal), async () => {
    const log = join(directory, "terminal.log");
    const path = config("terminal.toml", "");
    const { child, tell } = onTerminal(["--config", path, "--format", "pretty"], log);
    const pid = await until("linnix to watch", tell);
    process.kill(pid, "SIGHUP");
    expect(await child.exited).toBe(0);
    expect(readFileSync(log, "utf8")).not.toContain("configuration read again");
  });

  test.skipIf(noTerminal !== null)(titled("ends the run if its terminal is gone", noTerminal), async () => {
    const log = join(directory, "gone.log");
    const output = join(directory, "gone.jsonl");
    const { child, tell } = onTerminal(["--config", config("gone.toml", ""), "--output", output], log);
    const pid = await until("linnix to watch", tell);
    child.kill("SIGKILL");
    await until("linnix to end", () => !isAlive(pid));
    expect(parseOutput(readFileSync(output, "utf8")).summary).not.toBeNull();
  });

  test.skipIf(noTerminal !== null)(titled("outlives its terminal under nohup", noTerminal), async () => {
    const log = join(directory, "nohup.log");
    const output = join(directory, "nohup.jsonl");
    const args = ["--config", config("nohup.toml", ""), "--output", output];
    const { child, tell } = onTerminal(args, log, "nohup ");
    const pid = await until("linnix to watch", tell);
    child.kill("SIGKILL");
    await child.exited;
    // The kernel sends SIGHUP at the end of a terminal only to the foreground processes, so the test sends it.
    process.kill(pid, "SIGHUP");
    await until("a word of the configuration", () => readFileSync(log, "utf8").includes("configuration read again"));
    process.kill(pid, "SIGTERM");
    await until("linnix to end", () => !isAlive(pid));
    expect(parseOutput(readFileSync(output, "utf8")).summary).not.toBeNull();
  });

  /** linnix on its own terminal, which script(1) makes; its messages are in `log`. */
  function onTerminal(args: string[], log: string, before = "") {
    const command = `exec ${before}${[BINARY, "collect", ...args].join(" ")} 2>${log}`;
    const child = Bun.spawn([programPath("script") as string, "-qec", command, "/dev/null"], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SHELL: "/bin/sh" },
      // nohup(1) creates a file in the working directory.
      cwd: directory,
    });
    const tell = (): number | false => {
      try {
        if (!readFileSync(log, "utf8").includes("watching by")) return false;
      } catch {
        return false;
      }
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
      return Number(children.split(" ")[0]) || false;
    };
    return { child, tell };
  }
});

/** Starts linnix without waiting until it watches. */
function spawnCollect(args: string[], ...before: string[]) {
  const log = join(directory, `${Bun.randomUUIDv7()}.log`);
  const child = Bun.spawn([...before, BINARY, "collect", ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(log),
  });
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return { child, stderr: () => readFileSync(log, "utf8"), [Symbol.asyncDispose]: end };
}

/** Waits until linnix handles signals. */
async function listening(pid: number): Promise<void> {
  // The first moments of the process do not count: signals then need not be handled.
  const isStartedAnew = () => readFileSync(`/proc/${pid}/environ`, "utf8").includes("BUN_JSC_");
  await until("linnix to listen to signals", () => isStartedAnew() && catchesHangup(pid));
}

/** Mask of the signals that the main thread catches or blocks. SIGHUP is signal 1, the lowest bit. */
function signals(pid: number, which: "SigCgt" | "SigBlk"): bigint {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mask = new RegExp(`^${which}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0";
  return BigInt(`0x${mask}`);
}

function catchesHangup(pid: number): boolean {
  return (signals(pid, "SigCgt") & 1n) === 1n;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
