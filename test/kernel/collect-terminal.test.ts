/** `collect` on a terminal that accepts no output: after Ctrl-S, or on a hanging connection. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseOutput } from "./support/collect-output.ts";
import { until } from "./support/collect-run.ts";
import { BINARY, programPath, reasonOf, titled, whyNoTerminal, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = reasonOf(whyNotHere(), whyNoTerminal("script"));
const directory = mkdtempSync(join(tmpdir(), "linnix-terminal-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const CTRL_S = "\u0013";
const CTRL_Q = "\u0011";
/** The rings are small, so that a few hundred processes fill them, the terminal and the pipe behind it. */
const ARGS = ["--format", "jsonl", "--ring-size", "64KiB", "--flush-interval", "20ms", "--listen", "127.0.0.1:0"];

/** linnix on its own terminal, which script(1) makes. */
class TerminalRun implements AsyncDisposable {
  static #runs = 0;
  readonly #files = join(directory, `${++TerminalRun.#runs}`);
  readonly #child: Bun.Subprocess<"pipe", Bun.BunFile, "ignore">;
  #pid = 0;
  #url = "";

  /** @param stderr shell redirection of stderr to another file; empty for the same terminal */
  constructor(stderr: string, ...args: string[]) {
    // Messages are in the log file, or in the terminal's output.
    const started = `${[BINARY, "collect", ...ARGS, ...args].join(" ")} ${stderr.replace("LOG", this.#file("log"))}`;
    const command = `${started} & echo $! > ${this.#file("pid")}; wait $!; echo $? > ${this.#file("status")}`;
    this.#child = Bun.spawn([programPath("script") as string, "-qfc", command, "/dev/null"], {
      stdin: "pipe",
      stdout: Bun.file(this.#file("out")),
      stderr: "ignore",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SHELL: "/bin/sh" },
    });
  }

  #file(kind: string): string {
    return `${this.#files}.${kind}`;
  }

  read(kind: "log" | "out" | "pid" | "status"): string {
    try {
      return readFileSync(this.#file(kind), "utf8").replaceAll("\r\n", "\n");
    } catch {
      return "";
    }
  }

  async watching(): Promise<void> {
    const told = () => /answering at (\S+)/.exec(this.read("log") + this.read("out"))?.[1];
    this.#url = await until("linnix to watch", told);
    this.#pid = Number(this.read("pid"));
  }

  async type(keys: string): Promise<void> {
    this.#child.stdin.write(keys);
    await this.#child.stdin.flush();
    // The kernel does not report when the terminal has received the keys.
    await Bun.sleep(200);
  }

  /** Number of lines that the terminal has not accepted so far. */
  async unwritten(): Promise<number> {
    const answer = await fetch(new URL("/status", this.#url), { signal: AbortSignal.timeout(5000) });
    return ((await answer.json()) as { unwritten: { lines: number } }).unwritten.lines;
  }

  /** The exit code and a newline, once linnix has ended. */
  async status(): Promise<string> {
    return until("linnix to end", () => this.read("status"));
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.#pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

function spawnMany(count: number): void {
  const loop = 'i=0; while [ $i -lt "$0" ]; do /bin/true; i=$((i + 1)); done';
  expect(Bun.spawnSync(["sh", "-c", loop, `${count}`]).exitCode).toBe(0);
}

describe.skipIf(reason !== null)(titled("collect on a stopped terminal", reason), () => {
  test("answers requests, counts unwritten lines, and writes again after Ctrl-Q", async () => {
    await using run = new TerminalRun("2>LOG");
    await run.watching();
    await run.type(CTRL_S);
    // One MiB of lines waits, and is dropped a second later.
    for (let tries = 0; tries < 30 && (await run.unwritten()) === 0; tries++) spawnMany(300);
    expect(await run.unwritten()).toBeGreaterThan(0);
    await run.type(CTRL_Q);
    spawnMany(10);
    run.kill("SIGTERM");
    expect(await run.status()).toBe("0\n");
    const output = parseOutput(run.read("out"));
    expect(output.summary?.unwritten.lines).toBeGreaterThan(0);
  });

  test.each([
    ["with stderr in a file", "2>LOG"],
    ["with stderr on the terminal", ""],
  ])("exits at SIGTERM with an error: %s", async (_what, stderr) => {
    await using run = new TerminalRun(stderr);
    await run.watching();
    await run.type(CTRL_S);
    spawnMany(200);
    run.kill("SIGTERM");
    expect(await run.status()).toBe("3\n");
    if (stderr !== "") expect(run.read("log")).toContain("the reader of the output does not read");
  });
});
