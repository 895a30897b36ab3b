/** `linnix top` on a terminal of tmux: the tests send keys and read the screen. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { CollectRun, until } from "./support/collect-run.ts";
import { BINARY, programPath, reasonOf, succeeds, titled, whyNoTerminal, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(90_000);

const tmux = programPath("tmux");
const reason = reasonOf(whyNotHere(), whyNoTerminal("tmux"));
const folder = mkdtempSync(join(tmpdir(), "linnix-top-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A shell in its own terminal. */
class Terminal implements Disposable {
  static #count = 0;
  readonly #socket = join(folder, `tmux-${++Terminal.#count}`);

  constructor(columns: number, rows: number) {
    // The shell prints the exit code and the terminal modes on the screen.
    const shell = "env LANG=C.UTF-8 PS1='$? ready> ' PATH=/usr/sbin:/usr/bin:/sbin:/bin bash --norc --noprofile";
    this.#tmux("-f", "/dev/null", "new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, shell);
  }

  keys(...keys: string[]): void {
    this.#tmux("send-keys", ...keys);
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  run(command: string): void {
    this.type(command);
    this.keys("Enter");
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  get screen(): string {
    return this.#tmux("capture-pane", "-p");
  }

  /** The screen with its colour escapes. */
  get painted(): string {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  format(format: string): string {
    return this.#tmux("display-message", "-p", format).trim();
  }

  /** The program that the shell started. */
  get child(): number {
    const shell = this.format("#{pane_pid}");
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim();
    return Number(children.split(" ")[0]);
  }

  async shows(what: string | RegExp): Promise<string> {
    try {
      return await until(`the screen to show ${what}`, async () => {
        const { screen } = this;
        if (typeof what === "string" ? screen.includes(what) : what.test(screen)) return screen;
        await Bun.sleep(50);
        return undefined;
      });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; it shows:\n${this.screen}`);
    }
  }

  /** Expects that the terminal of the shell is restored. */
  async isRestored(status: string): Promise<void> {
    await this.shows(new RegExp(`^${status} ready> *$`, "m"));
    expect(this.format("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
    this.run("clear; stty -a | tr ' ;' '\\n\\n' | grep -cE '^(icanon|echo|isig|icrnl|ixon|iexten)$'");
    await this.shows(/^6$/m);
  }

  #tmux(...args: string[]): string {
    const { stdout, stderr, exitCode } = Bun.spawnSync([tmux as string, "-S", this.#socket, ...args], {
      stdin: "ignore",
    });
    if (exitCode !== 0) throw new Error(`tmux ${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  }

  [Symbol.dispose](): void {
    this.#tmux("kill-server");
  }
}

async function started(columns = 80, rows = 24, args = "", before = ""): Promise<Terminal> {
  const terminal = new Terminal(columns, rows);
  await terminal.shows("ready>");
  terminal.run(`clear; ${before} ${BINARY} top ${args}`);
  await terminal.shows(/linnix top +\d\d:\d\d:\d\d/);
  return terminal;
}

/** Starts and ends processes all the time, until it is disposed of. */
function churn(): Disposable {
  const child = Bun.spawn(["sh", "-c", "while :; do /bin/true; sleep 0.05; done"], { stdin: "ignore" });
  return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}

const count = z.int().nonnegative();
const pct = z.number().nonnegative().nullable();
const SCHEMA = z.strictObject({
  schema: z.literal("linnix.top/1"),
  version: z.string(),
  time: z.iso.datetime(),
  interval_ms: count,
  source: z.string(),
  backend: z.string().nullable(),
  missing_fields: z.array(z.string()),
  notes: z.array(z.string()),
  cost: z.strictObject({ user_space_pct: pct, in_kernel_pct: pct, budget_pct: pct, level: count }),
  events_per_second: pct,
  lost: count,
  busy_ns: count.nullable(),
  processes: z.array(
    z.strictObject({
      pid: count,
      ppid: count.nullable(),
      start_ns: count.nullable(),
      uid: count,
      user: z.string().nullable(),
      state: z.string().length(1).nullable(),
      cpu_pct: pct,
      rss_bytes: count.nullable(),
      threads: count.nullable(),
      comm: z.string(),
      exe: z.string().nullable(),
      args: z.array(z.string()).nullable(),
      args_truncated: z.boolean().nullable(),
      cgroup: z.string().nullable(),
      container: z.object({ id: z.string(), runtime: z.string() }).nullable(),
      unit: z.string().nullable(),
    }),
  ),
  groups: z.array(
    z.strictObject({
      name: z.string(),
      processes: count,
      cpu_pct: pct,
      rss_bytes: count.nullable(),
      short_lived: count,
    }),
  ),
  short_lived: z.nullable(
    z.strictObject({
      count,
      cpu_ns: count.nullable(),
      cpu_pct: pct,
      cpu_unknown: count,
      busy_share_pct: pct,
      commands: z.array(
        z.strictObject({ comm: z.string(), count, cpu_ns: count.nullable(), peak_rss_bytes: count.nullable() }),
      ),
    }),
  ),
});

function top(args: readonly string[], before: readonly string[] = [], env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...before, BINARY, "top", ...args], {
    stdin: "ignore",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

describe.skipIf(reason !== null)(titled("top on a terminal", reason), () => {
  test.each([
    [80, 24],
    [300, 100],
  ])("shows each view by its key, at %ix%i", async (columns, rows) => {
    using _churn = churn();
    using terminal = await started(columns, rows);
    await terminal.shows(/^own cost +\d+\.\d\d % of a core, budget 1 %/m);
    await terminal.shows(/^events +\d/m);
    await terminal.shows(/PID .*%CPU +MEM .*COMMAND/);
    terminal.keys("2");
    await terminal.shows(/\[2 tree\]/);
    await terminal.shows("└─");
    terminal.keys("g");
    await terminal.shows(/PROCS +SHORT +UNIT/);
    terminal.keys("4");
    await terminal.shows(/^ true +\d+ +\d/m);
    await terminal.shows(/^short-lived +\d+ that top\(1\) misses: \d.*% of all CPU time/m);
    terminal.keys("Tab");
    await terminal.shows("[1 processes]");
    terminal.keys("h");
    await terminal.shows(/Ctrl-L +draw the screen again/);
    terminal.keys("Escape");
    await terminal.shows("[1 processes]");
    await terminal.shows(/\nq quit.*\s*$/);
    terminal.keys("q");
    await terminal.isRestored("0");
  });

  test("uses the last column: a cut line ends with an ellipsis there", async () => {
    await using long = Bun.spawn(["sleep", "54322", ...Array.from({ length: 40 }, () => "54322")], { stdin: "ignore" });
    using terminal = await started(80, 24);
    terminal.keys("/");
    terminal.type("54322");
    terminal.keys("Enter");
    await terminal.shows(new RegExp(`^ *${long.pid} .* sleep 54322 .*…$`, "m"));
    terminal.keys("q");
    await terminal.isRestored("0");
    long.kill();
  });

  test("sorts, filters, pauses and shows one process with its ancestors", async () => {
    const sleeper = Bun.spawn(["sh", "-c", "sleep 54321 & wait"], { stdin: "ignore" });
    try {
      using terminal = await started(120, 30);
      terminal.keys("s", "s");
      await terminal.shows(/sort: pid[\s\S]*\n +1 /);
      terminal.keys("r");
      await terminal.shows("sort: pid, reversed");
      terminal.keys("/");
      terminal.type("54321");
      await terminal.shows(/filter: 54321/);
      terminal.keys("Enter");
      await terminal.shows(/^ +\d+ .* sleep 54321$/m);
      terminal.keys("Home", "Space");
      await terminal.shows("PAUSED");
      const paused = terminal.screen;
      await Bun.sleep(1500);
      expect(terminal.screen).toBe(paused);
      terminal.keys("Space");
      await until("it to go on", () => !terminal.screen.includes("PAUSED"));
      terminal.keys("End", "Enter");
      await terminal.shows(new RegExp(`ancestors\n(.*\n)* *${process.pid} `));
      terminal.keys("Escape", "q");
      await terminal.isRestored("0");
    } finally {
      Bun.spawnSync(["pkill", "-KILL", "-P", `${sleeper.pid}`]);
      sleeper.kill("SIGKILL");
    }
  });

  test("shows neither its cost nor a rate before the end of the first interval", async () => {
    using terminal = await started(120, 30, "--interval 1m");
    await terminal.shows(/^own cost +– % of a core, budget 1 %/m);
    await terminal.shows(/^events +–\/s, none lost/m);
    terminal.keys("q");
    await terminal.isRestored("0");
  });

  test("follows the size of the terminal", async () => {
    using terminal = await started(80, 24);
    terminal.resize(200, 50);
    await terminal.shows(/PPID .*GROUP .*COMMAND/);
    terminal.resize(40, 10);
    await until("no column too many", () => !terminal.screen.includes("GROUP"));
    expect(terminal.screen.trimEnd().split("\n").length).toBe(10);
    terminal.keys("q");
    await terminal.isRestored("0");
  });

  test.each([
    ["SIGTERM", "0"],
    ["SIGINT", "0"],
    ["SIGHUP", "0"],
  ] as const)("puts the terminal back after %s", async (signal, status) => {
    using terminal = await started();
    process.kill(terminal.child, signal);
    await terminal.isRestored(status);
  });

  test("restores the terminal at Ctrl-Z, and draws again after fg", async () => {
    using terminal = await started();
    terminal.keys("C-z");
    await terminal.isRestored("1[0-9]+");
    terminal.run("fg");
    await terminal.shows("q quit");
    expect(terminal.format("#{alternate_on}")).toBe("1");
    terminal.keys("C-c");
    await terminal.isRestored("0");
  });

  test("restores the screen when the shell ends it after SIGSTOP", async () => {
    using terminal = await started();
    process.kill(terminal.child, "SIGSTOP");
    await until("the shell to take its terminal back", () => terminal.format("#{pane_current_command}") === "bash");
    terminal.run("kill %1; wait; (exit 7)");
    await terminal.isRestored("7");
  });

  test("goes on after SIGSTOP and SIGCONT, and reacts to keys", async () => {
    using terminal = await started();
    const { child } = terminal;
    process.kill(child, "SIGSTOP");
    await terminal.shows(/ready>/);
    terminal.run("fg");
    await terminal.shows("q quit");
    terminal.keys("2");
    await terminal.shows("[2 tree]");
    terminal.keys("q");
    await terminal.isRestored("0");
  });

  test("does not draw if it is ended while it is stopped", async () => {
    using terminal = await started();
    terminal.keys("C-z");
    await terminal.shows(/ready> *$/m);
    terminal.run("kill %1; sleep 1; clear; jobs");
    await terminal.isRestored("0");
  });

  test("prints no colour escapes if colour is off, but still marks the selection", async () => {
    using terminal = await started(80, 24, "--no-color");
    terminal.keys("Down");
    await terminal.shows(/^> +\d+ /m);
    expect(terminal.painted).not.toContain("\u001b[");
    terminal.keys("q");
    await terminal.isRestored("0");
    terminal.run(`clear; ${BINARY} top`);
    await terminal.shows("q quit");
    expect(terminal.painted).toContain("\u001b[7m");
    terminal.keys("q");
    await terminal.isRestored("0");
  });

  test("shows control characters in arguments as escapes", async () => {
    const lives = Bun.spawn(["sh", "-c", ": $0; read _", "\u001b]0;owned\u0007\u001b[2J\u202e字\u0301"], {
      stdin: "pipe",
    });
    try {
      using terminal = await started(120, 24);
      terminal.keys("/");
      terminal.type("owned");
      await terminal.shows("\\e]0;owned\\x07\\e[2J\\u202e字");
      expect(terminal.format("#{pane_title}")).not.toContain("owned");
      terminal.keys("Enter", "q");
      await terminal.isRestored("0");
    } finally {
      lives.kill("SIGKILL");
    }
  });

  test("fails with the reason if there is no terminal", async () => {
    expect(top([])).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("--once") });
    using terminal = new Terminal(80, 24);
    await terminal.shows("ready>");
    terminal.run(`TERM=dumb ${BINARY} top`);
    await terminal.shows("TERM=dumb");
    await terminal.isRestored("3");
  });
});

describe.skipIf(reason !== null)(titled("one refresh of top", reason), () => {
  test("as JSON has the documented shape and every process", () => {
    const churning = churn();
    const { stdout, exitCode, stderr } = top(["--json", "--sort", "mem"]);
    churning[Symbol.dispose]();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const parsed = SCHEMA.parse(JSON.parse(stdout));
    expect(parsed.processes.find(({ pid }) => pid === process.pid)).toMatchObject({
      comm: "bun",
      uid: 0,
      user: "root",
    });
    const memory = parsed.processes.flatMap(({ rss_bytes }) => rss_bytes ?? []);
    expect(memory).toEqual([...memory].sort((a, b) => b - a));
    expect(parsed.short_lived?.commands.find(({ comm }) => comm === "true")?.count).toBeGreaterThan(0);
  });

  test("as text has the header and each list", () => {
    const { stdout, exitCode, stderr } = top(["--once", "--interval", "200ms"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toStartWith("linnix top ");
    expect(stdout).toMatch(/PID .*COMMAND\n[\s\S]*PROCS +SHORT[\s\S]*COMMAND +ENDED/);
    expect(stdout).not.toContain("\u001b");
  });

  test("without privileges is refused, with a hint to use a daemon", () => {
    const setpriv = programPath("setpriv");
    if (setpriv === null || !succeeds(setpriv, "--reuid=65534", "--clear-groups", "test", "-x", BINARY)) return;
    const { exitCode, stderr } = top(["--once"], [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("--connect unix:/run/linnix/linnix.sock");
  });

  test.each([
    [["--once", "--json"], "only one can be done"],
    [["--token-file", "/x"], "--connect"],
    [["--connect", "nowhere"], "unix:/PATH"],
    [["--sort", "colour"], "cpu, mem"],
    [["--interval", "1ms"], "100ms"],
  ])("is refused with %j", (args, message) => {
    const { exitCode, stderr } = top(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe.skipIf(reason !== null)(titled("top connected to a running daemon", reason), () => {
  const socket = join(folder, "api.sock");
  const token = "0123456789abcdef0123456789abcdef";
  const daemon = (...args: string[]) =>
    CollectRun.start(["--format", "none", "--flush-interval", "100ms", "--sample-interval", "500ms", ...args]);

  test("shows the daemon's processes and short-lived commands, and reports when the daemon has gone", async () => {
    using _churn = churn();
    const run = await daemon("--listen", `unix:${socket}`);
    try {
      using terminal = await started(120, 30, `--connect unix:${socket}`);
      await terminal.shows(`unix:${socket}`);
      terminal.keys("4");
      await terminal.shows(/^ true +\d+ +\d/m);
      terminal.keys("1", "/");
      terminal.type(`${process.pid}`);
      await terminal.shows(new RegExp(`^ +${process.pid} .*root .*bun`, "m"));
      run.child.kill("SIGKILL");
      await terminal.shows(/^! the daemon at unix:.* cannot be reached: .*figures are old/m);
      await using _again = await daemon("--listen", `unix:${socket}`);
      await until("it to be back", () => !terminal.screen.includes("cannot be reached"));
      terminal.keys("Escape", "q");
      await terminal.isRestored("0");
    } finally {
      await run[Symbol.asyncDispose]();
    }
  });

  test("follows the daemon's level of detail, and names figures that the level lacks", async () => {
    using _churn = churn();
    const path = join(folder, "levels.toml");
    const level = (detail: string) => writeFileSync(path, `[probes]\ndetail = "${detail}"\n`);
    level("processes");
    await using run = await daemon("--listen", `unix:${socket}`, "--config", path);
    using terminal = await started(120, 30, `--connect unix:${socket}`);
    const counts = /^short-lived +[1-9]\d* that top\(1\) misses/m;
    await terminal.shows(counts);
    level("summary");
    run.child.kill("SIGHUP");
    await terminal.shows(/^short-lived +–/m);
    await terminal.shows(/^! short-lived processes are missing: the daemon's level of detail is summary/m);
    await terminal.shows(/^events +[1-9]/m);
    level("events");
    run.child.kill("SIGHUP");
    await terminal.shows(counts);
    await until("no note", () => !terminal.screen.includes("are missing"));
    terminal.keys("q");
    await terminal.isRestored("0");
  });

  test("works for the group of the socket, and for no other account", async () => {
    const setpriv = programPath("setpriv");
    const shared = join("/run", `linnix-top-${process.pid}.sock`);
    const as = (gid: string) => [setpriv as string, "--reuid=65534", `--regid=${gid}`, "--clear-groups"] as const;
    if (setpriv === null || !succeeds(setpriv, ...as("65534").slice(1), "test", "-x", BINARY)) return;
    await using _run = await daemon("--listen", `unix:${shared}`, "--api-socket-group", "adm");
    const adm = Bun.spawnSync(["stat", "-c", "%g", shared]).stdout.toString().trim();
    const member = top(["--json", "--connect", `unix:${shared}`], as(adm));
    expect({ exitCode: member.exitCode, stderr: member.stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(SCHEMA.parse(JSON.parse(member.stdout)).processes.length).toBeGreaterThan(1);
    const other = top(["--json", "--connect", `unix:${shared}`], as("65534"));
    expect(other.exitCode).toBe(3);
    expect(other.stderr).toContain("permission denied");
    const unknown = Bun.spawnSync([BINARY, "collect", "--listen", `unix:${shared}2`, "--api-socket-group", "no-such"]);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr.toString()).toContain("no such group");
  });

  test("needs the daemon's token", async () => {
    const file = join(folder, "token");
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    await using run = await daemon("--listen", "127.0.0.1:0", "--api-token-file", file);
    const address = await until("its address", () => /answering at http:\/\/([\d.:]+)/.exec(run.stderr)?.[1]);
    const without = top(["--json", "--connect", address]);
    expect(without.exitCode).toBe(3);
    expect(without.stderr).toContain("--token-file");
    for (const [args, env] of [
      [["--token-file", file], {}],
      [[], { LINNIX_API_TOKEN: token }],
    ] as const) {
      const { stdout, stderr, exitCode } = top(["--json", "--connect", address, ...args], [], env);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const parsed = SCHEMA.parse(JSON.parse(stdout));
      expect(parsed.source).toBe(address);
      expect(parsed.processes.some(({ pid }) => pid === process.pid)).toBe(true);
    }
  });

  test("reports that no daemon answers at the address", () => {
    const { exitCode, stderr } = top(["--once", "--connect", `unix:${join(folder, "none.sock")}`]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("cannot be reached: there is no such socket");
  });

  describe("names the problem of a path that cannot be a daemon's socket, and proposes no daemon there", () => {
    const loop = join(folder, "loop");
    beforeAll(() => symlinkSync(loop, loop));
    test.each([
      ["/etc/passwd", "/etc/passwd is not a socket"],
      ["/etc/passwd/linnix.sock", "a part of the path is a file, not a folder"],
      [loop, "the path has too many symbolic links"],
      [`/${"x".repeat(300)}`, "the path is too long"],
    ])("%s", (path, problem) => {
      const { exitCode, stderr } = top(["--once", "--connect", `unix:${path}`]);
      expect(exitCode).toBe(3);
      expect(stderr).toContain(`${problem}\n  name the socket of a daemon`);
    });
  });
});
