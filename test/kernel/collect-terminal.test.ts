/** `collect` on a terminal that takes nothing: Ctrl-S, or a connection that hangs. */
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
/** More than the rings hold, and a terminal and the pipe behind it. */
const ARGS = ["--format", "jsonl", "--ring-size", "64KiB", "--flush-interval", "20ms", "--listen", "127.0.0.1:0"];

/** linnix on a terminal of its own, that script(1) makes. */
class TerminalRun implements AsyncDisposable {
  static #runs = 0;
  readonly #files = join(directory, `${++TerminalRun.#runs}`);
  readonly #child: Bun.Subprocess<"pipe", Bun.BunFile, "ignore">;
  #pid = 0;
  #url = "";

  /** @param stderr what of the shell's it goes to: another file, or the same terminal */
  constructor(stderr: string, ...args: string[]) {
    // What it says is not read where it goes to the terminal.
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
    // The kernel does not report when the terminal has it.
    await Bun.sleep(200);
  }

  /** Lines that the terminal has not taken so far. */
  async unwritten(): Promise<number> {
    const answer = await fetch(new URL("/status", this.#url), { signal: AbortSignal.timeout(5000) });
    return ((await answer.json()) as { unwritten: { lines: number } }).unwritten.lines;
  }

  /** As it ended, once it has. */
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

describe.skipIf(reason !== null)(titled("collect on a terminal that is stopped", reason), () => {
  test("goes on answering, counts what it does not write, and goes on writing when it may", async () => {
    await using run = new TerminalRun("2>LOG");
    await run.watching();
    await run.type(CTRL_S);
    // A MiB of lines waits, and is given up a second later.
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
    ["with what it says elsewhere", "2>LOG"],
    ["with all that it says", ""],
  ])("ends by SIGTERM, with an error: %s", async (_what, stderr) => {
    await using run = new TerminalRun(stderr);
    await run.watching();
    await run.type(CTRL_S);
    spawnMany(200);
    run.kill("SIGTERM");
    expect(await run.status()).toBe("3\n");
    if (stderr !== "") expect(run.read("log")).toContain("the reader of the output does not read");
  });
});
