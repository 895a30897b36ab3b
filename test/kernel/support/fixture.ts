import { expect } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signalName } from "../../../src/process/signal-name.ts";
import type { ExecEvent, ExitEvent, ForkEvent, ProcessEvent } from "./collect-output.ts";
import type { CollectRun } from "./collect-run.ts";

const SOURCES = join(import.meta.dir, "../../fixtures/process");
const SHARED = ["truth.c"];
const SCENARIOS = ["main.c", "births.c", "threads.c", "deaths.c", "images.c", "figures.c", "places.c"];
/** Flags for the fixtures: static, so that they run in any root directory; with strict warnings. */
const FLAGS = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"];

/** USER_HZ: the unit of start times in /proc. */
const TICK_NS = 10_000_000n;

/** Identifies a process both in the fixture's output and in events. */
export interface Identity {
  pid: number;
  start_ticks: number;
}

/** A process's report on itself: test/fixtures/process/truth.c. Invalid text has U+FFFD, as in linnix's JSON. */
export interface SelfTruth extends Identity {
  kind: "self";
  label: string;
  ns_pid: number;
  tid: number;
  ppid: number;
  uid: number;
  gid: number;
  comm: string;
  exe: string | null;
  args: string[] | null;
  now_ns: number;
}

/** A process as its parent saw it before wait4 and by wait4. */
export interface ReapedTruth extends Identity {
  kind: "reaped";
  label: string;
  /** Its parent at its exit: the process that adopted it, if its parent had ended. */
  ppid: number;
  uid: number;
  gid: number;
  comm: string;
  /** The status as wait(2) returns it. */
  status: number;
  user_us: number;
  system_us: number;
  max_rss_kib: number;
  minor_faults: number;
  major_faults: number;
  now_ns: number;
}

interface NumberTruth {
  kind: "number";
  label: string;
  name: string;
  value: number;
}

type Truth = SelfTruth | ReapedTruth | NumberTruth;

/** The output of one run of the fixture. */
export class Truths {
  readonly all: readonly Truth[];

  constructor(all: readonly Truth[]) {
    this.all = all;
  }

  /** The started process; the fixture may have executed itself again in it. */
  get main(): SelfTruth {
    const [first] = this.selves("main");
    if (first === undefined) throw new Error("no truth about the process that was started");
    return first;
  }

  self(label: string): SelfTruth {
    return one(label, this.selves(label));
  }

  selves(label: string): SelfTruth[] {
    return this.all.filter((truth): truth is SelfTruth => truth.kind === "self" && truth.label === label);
  }

  reaped(label: string): ReapedTruth {
    return one(label, this.everyReaped(label));
  }

  /** All reaped processes, or only those with that label. */
  everyReaped(label?: string): ReapedTruth[] {
    return this.all.filter(
      (truth): truth is ReapedTruth => truth.kind === "reaped" && (label === undefined || truth.label === label),
    );
  }

  number(label: string, name: string): number {
    const found = this.all.filter(
      (truth): truth is NumberTruth => truth.kind === "number" && truth.label === label && truth.name === name,
    );
    return one(`${label} ${name}`, found).value;
  }
}

function one<T>(what: string, found: readonly T[]): T {
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} truths about ${what}`);
  return found[0];
}

const text = new TextDecoder();

function textOf(hex: string): string {
  return text.decode(Buffer.from(hex, "hex"));
}

/** The kernel's list of arguments, each ended by NUL. */
function argsOf(hex: string): string[] {
  const bytes = Buffer.from(hex, "hex");
  const args: string[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    args.push(text.decode(bytes.subarray(from, end < 0 ? bytes.length : end)));
    from = end < 0 ? bytes.length : end + 1;
  }
  return args;
}

export function parseTruth(line: string): Truth {
  const raw = JSON.parse(line) as Record<string, unknown>;
  if (typeof raw.comm === "string") raw.comm = textOf(raw.comm);
  if (typeof raw.exe === "string") raw.exe = textOf(raw.exe);
  if (raw.kind === "self") raw.args = typeof raw.cmdline === "string" ? argsOf(raw.cmdline) : null;
  return raw as unknown as Truth;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** The compiled fixtures, in their own directory. */
export class Fixture implements Disposable {
  readonly directory: string;
  /** Plays the scenarios of test/fixtures/process/main.c. */
  readonly program: string;
  /** A program to execute. */
  readonly leaf: string;

  constructor(compiler = "gcc") {
    this.directory = mkdtempSync(join(tmpdir(), "linnix-fixture-"));
    // Other users execute the programs in this directory.
    chmodSync(this.directory, 0o755);
    this.program = join(this.directory, "process-fixture");
    this.leaf = join(this.directory, "leaf");
    try {
      compile(compiler, this.program, [...SCENARIOS, ...SHARED]);
      compile(compiler, this.leaf, ["leaf.c", ...SHARED]);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Plays a scenario to its end. */
  async run(scenario: string, args: readonly (string | number)[] = [], options: RunOptions = {}): Promise<Truths> {
    const child = Bun.spawn([this.program, scenario, ...args.map(String)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      cwd: options.cwd ?? this.directory,
      env: options.env ?? {},
    });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    await child.exited;
    expect({ scenario, stderr, exitCode: child.exitCode }).toEqual({ scenario, stderr: "", exitCode: 0 });
    return new Truths(stdout.trim().split("\n").map(parseTruth));
  }

  /** Starts a fixture that waits for scenarios. */
  async commands(): Promise<FixtureCommands> {
    const child = Bun.spawn([this.program, "commands"], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
      cwd: this.directory,
      env: {},
    });
    const commands = new FixtureCommands(child);
    await commands.main();
    return commands;
  }

  /** Plays a scenario while a collector watches, and waits until the collector has reported its end. */
  async watched(collect: CollectRun, scenario: string, ...args: (string | number)[]): Promise<Watched> {
    return this.watchedIn(collect, {}, scenario, ...args);
  }

  async watchedIn(
    collect: CollectRun,
    options: RunOptions,
    scenario: string,
    ...args: (string | number)[]
  ): Promise<Watched> {
    const from = collect.events.length;
    const truths = await this.run(scenario, args, options);
    await collect.event(`the end of scenario ${scenario}`, (event) => event.type === "exit" && is(event, truths.main));
    return new Watched(truths, collect.events.slice(from));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function compile(compiler: string, output: string, sources: readonly string[]): void {
  const command = [compiler, ...FLAGS, "-o", output, ...sources];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: SOURCES, stdin: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}\n${stderr}`);
}

/** A fixture that plays scenarios on command. */
export class FixtureCommands implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncGenerator<string>;

  constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
  }

  get pid(): number {
    return this.#child.pid;
  }

  #main: SelfTruth | undefined;

  /** Its report on itself at its start. */
  async main(): Promise<SelfTruth> {
    this.#main ??= parseTruth(await this.#next()) as SelfTruth;
    return this.#main;
  }

  /** Plays a scenario. Words must not contain a space. */
  async run(scenario: string, ...args: (string | number)[]): Promise<Truths> {
    this.#child.stdin.write(`${[scenario, ...args].join(" ")}\n`);
    await this.#child.stdin.flush();
    const truths: Truth[] = [];
    for (;;) {
      const truth = parseTruth(await this.#next());
      if (truth.kind === "number" && truth.name === "done") break;
      truths.push(truth);
    }
    return new Truths(truths);
  }

  /** Sends a last command, lets the fixture end, and returns its output. */
  async last(scenario: string, ...args: (string | number)[]): Promise<Truths> {
    this.#child.stdin.write(`${[scenario, ...args].join(" ")}\n`);
    return this.end();
  }

  /** Lets it end. */
  async end(): Promise<Truths> {
    await this.#child.stdin.end();
    const truths: Truth[] = [];
    for await (const line of this.#lines) truths.push(parseTruth(line));
    await this.#child.exited;
    return new Truths(truths);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the fixture ended with ${this.#child.exitCode ?? this.#child.signalCode}`);
    return value;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Whether an event belongs to that process. Without a start time from the backend, only the pid is compared. */
export function is(event: ProcessEvent, { pid, start_ticks }: Identity): boolean {
  return event.pid === pid && (event.start_ns === null || event.start_ns / TICK_NS === BigInt(start_ticks));
}

/** All events of one process. */
export interface Story {
  fork: ForkEvent;
  execs: ExecEvent[];
  exit: ExitEvent;
}

/** The events of one process, in order. Fails the test unless one fork comes first and one exit comes last. */
export function storyOf(events: readonly ProcessEvent[], identity: Identity): Story {
  const own = events.filter((event) => is(event, identity));
  const [fork, ...rest] = own;
  const exit = rest.pop();
  const execs = rest.filter((event) => event.type === "exec");
  if (fork?.type !== "fork" || exit?.type !== "exit" || execs.length !== rest.length) {
    throw new Error(`process ${identity.pid} was seen as ${own.map(({ type }) => type).join(", ") || "nothing"}`);
  }
  return { fork, execs, exit };
}

/** The truth of a scenario, with the events that linnix reported. */
export class Watched {
  readonly truths: Truths;
  /** All events during the scenario, also those of other processes. */
  readonly events: readonly ProcessEvent[];

  constructor(truths: Truths, events: readonly ProcessEvent[]) {
    this.truths = truths;
    this.events = events;
  }

  get main(): SelfTruth {
    return this.truths.main;
  }

  story(identity: Identity): Story {
    return storyOf(this.events, identity);
  }

  /** The events of the only reaped process with that label; its exit status is compared with wait4's. */
  reaped(label: string): Story & { truth: ReapedTruth } {
    const truth = this.truths.reaped(label);
    const story = this.story(truth);
    expectSameEnd(story.exit, truth);
    return { ...story, truth };
  }
}

/** Compares every fact about a process's end that wait4 and /proc report exactly. */
export function expectSameEnd(exit: ExitEvent, truth: ReapedTruth): void {
  const { status } = truth;
  const killer = status & 0x7f;
  const { pid, ppid, uid, gid, comm, exit_code, signal, core_dumped } = exit;
  expect({ pid, ppid, uid, gid, comm, exit_code, signal, core_dumped }).toEqual({
    pid: truth.pid,
    ppid: truth.ppid,
    uid: truth.uid,
    gid: truth.gid,
    comm: truth.comm,
    exit_code: killer === 0 ? status >> 8 : null,
    signal: killer === 0 ? null : signalName(killer),
    core_dumped: (status & 0x80) !== 0,
  });
  expect(Number(exit.ts_ns)).toBeLessThanOrEqual(truth.now_ns);
}
