import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { readHeldBpf } from "../bpf/bpf-held.ts";
import { listProgramIds } from "../bpf/bpf-programs.ts";
import { quote } from "../config/units.ts";
import { cannotRunError, usageError } from "../errors.ts";
import { SupervisedChild } from "../observers/supervised-child.ts";
import { withTracefs } from "../observers/tracefs.ts";
import { ProcessTreeClock } from "../procfs/process-tree-clock.ts";
import type { PrivateFolder } from "../sys/private-folder.ts";
import { ScratchFile } from "./scratch-file.ts";
import type { RunningSubject, Subject, SubjectSwitch } from "./subject.ts";

/** Interval at which a starting command is checked, ms. */
const LOOK_MS = 50;
/** A command counts as watching after this time without a new BPF program and (nearly) without CPU time. */
const QUIET_MS = 500;
/** A command does not count as watching before this time, because a shell is quiet before it starts its program. */
const LEAST_MS = 500;
/**
 * If a command never becomes quiet, the test assumes that it watches after this time. bpftrace first compiles for a
 * second or two.
 */
const MOST_MS = 8_000;
/** At a later start the test waits this many times as long as the first start took, and then for `QUIET_AGAIN_MS`. */
const AGAIN_MARGIN = 1.25;
const QUIET_AGAIN_MS = 100;
/** The longest wait at a later start if the command did not become quiet at its first start. */
const MOST_AGAIN_MS = 1_000;
/** At this interval, ms, the output is emptied if it is larger than `MOST_OUTPUT_BYTES`: only its last line is used. */
const EMPTY_MS = 100;
const MOST_OUTPUT_BYTES = 16 * 1024 * 1024;
/** A command is quiet if it uses at most this share of one core. */
const QUIET_SHARE = 0.05;

/** How the first start of a command went: the rounds of a comparison start it again and again. */
interface StartedBefore {
  /** Number of BPF programs that had appeared. */
  programs: number;
  wasQuiet: boolean;
  /** When its quiet time began, ms after its start. */
  readyMs: number;
}

/** Any other agent, started by a command line. */
export class CommandSubject implements Subject {
  readonly kind = "command";
  readonly name: string;
  readonly command: string;
  readonly flushMs = null;
  readonly #argv: readonly string[];
  readonly #folder: PrivateFolder;
  #before: StartedBefore | null = null;

  /** @throws LinnixError (exit code 2) if there is no such program */
  constructor(argv: readonly string[], folder: PrivateFolder) {
    const [program = "", ...args] = argv;
    const path = findProgram(program);
    this.name = program.split("/").at(-1) ?? program;
    this.command = argv.map(shellWord).join(" ");
    this.#argv = withTracefs([path, ...args]);
    this.#folder = folder;
  }

  async start(signal: AbortSignal): Promise<RunningCommand> {
    const running = await RunningCommand.start(this.#argv, this.#folder, signal, this.#before);
    this.#before ??= {
      programs: running.programIds.length,
      wasQuiet: running.wasQuiet,
      readyMs: Math.max(running.load.elapsedNs / 1e6 - QUIET_MS, 0),
    };
    return running;
  }

  openSwitch = async (signal: AbortSignal): Promise<SubjectSwitch> => new CommandSwitch(() => this.start(signal));
}

/** Path of a program: from PATH, or as given if it has a slash. @throws LinnixError (exit code 2) if not executable */
function findProgram(program: string): string {
  const path = program.includes("/") ? program : Bun.which(program);
  const why = path === null ? "it is in no folder of PATH" : whyNotExecutable(path);
  if (path !== null && why === null) return path;
  throw usageError("missing-program", {
    what: `there is no program ${quote(program)}`,
    why: why ?? undefined,
    hint: "install it, or give the path of a file that this user may execute",
  });
}

function whyNotExecutable(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return "it is not a file";
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
    return code === "EACCES" ? "this user may not execute it" : message;
  }
}

/** A running command. Its output goes to a file; only the last line is read, if the command ends by itself. */
export class RunningCommand implements RunningSubject {
  readonly roots: readonly number[];
  readonly load: { elapsedNs: number; cpuNs: number | null };
  readonly programIds: readonly number[];
  /** Whether it became quiet. If not, the test assumes after some time that it watches. */
  readonly wasQuiet: boolean;
  readonly #child: SupervisedChild;
  readonly #output: ScratchFile;
  readonly #emptying: NodeJS.Timeout;

  private constructor(
    child: SupervisedChild,
    output: ScratchFile,
    emptying: NodeJS.Timeout,
    load: RunningCommand["load"],
    programIds: readonly number[],
    wasQuiet: boolean,
  ) {
    this.#child = child;
    this.#output = output;
    this.#emptying = emptying;
    this.roots = [child.pid];
    this.load = load;
    this.programIds = programIds;
    this.wasQuiet = wasQuiet;
  }

  static async start(
    argv: readonly string[],
    folder: PrivateFolder,
    signal: AbortSignal,
    startedBefore: StartedBefore | null,
  ): Promise<RunningCommand> {
    signal.throwIfAborted();
    const output = new ScratchFile(folder);
    const emptying = setInterval(() => output.keepBelow(MOST_OUTPUT_BYTES), EMPTY_MS);
    emptying.unref();
    let child: SupervisedChild | undefined;
    try {
      const before = new Set(listProgramIds());
      // The command is the user's own, so it gets the user's environment.
      const { env } = process;
      child = await SupervisedChild.start({
        argv,
        env,
        cwd: process.cwd(),
        stdout: output.fd,
        stderr: output.fd,
        folder: folder.path,
        stopSignal: "SIGINT",
        deathSignal: "SIGTERM",
      });
      const began = Bun.nanoseconds();
      const ready = await watching(child, output, before, began, signal, startedBefore);
      const appeared = listProgramIds().filter((id) => !before.has(id));
      const { elapsedNs, cpuNs, wasQuiet, pids } = ready;
      return new RunningCommand(child, output, emptying, { elapsedNs, cpuNs }, withoutOthers(appeared, pids), wasQuiet);
    } catch (error) {
      await child?.[Symbol.asyncDispose]();
      clearInterval(emptying);
      output[Symbol.dispose]();
      throw error;
    }
  }

  problem(): string | null {
    return endOf(this.#child, this.#output);
  }

  tend(): void {
    this.#output.keepBelow(MOST_OUTPUT_BYTES);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    clearInterval(this.#emptying);
    this.#output[Symbol.dispose]();
  }
}

/** Switches a command on by starting it, and off by ending it. */
class CommandSwitch implements SubjectSwitch {
  readonly isCheap = false;
  readonly #start: () => Promise<RunningCommand>;
  #running: RunningCommand | null = null;

  constructor(start: () => Promise<RunningCommand>) {
    this.#start = start;
  }

  async arm(on: boolean): Promise<void> {
    if (on) {
      this.#running ??= await this.#start();
      return;
    }
    const problem = this.#running?.problem() ?? null;
    await this.stop();
    if (problem !== null) throw cannotRunError("subject-ended", { what: "the command ended by itself", why: problem });
  }

  problem(): string | null {
    return this.#running?.problem() ?? null;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Waits until a started command seems to watch. Nothing announces that, but the command becomes quiet then. */
async function watching(
  child: SupervisedChild,
  output: ScratchFile,
  before: ReadonlySet<number>,
  began: number,
  signal: AbortSignal,
  startedBefore: StartedBefore | null,
): Promise<{ elapsedNs: number; cpuNs: number; wasQuiet: boolean; pids: number[] }> {
  const again = startedBefore !== null;
  const mostMs = startedBefore?.wasQuiet === false ? MOST_AGAIN_MS : MOST_MS;
  const quietMs = again ? QUIET_AGAIN_MS : QUIET_MS;
  const leastMs = again ? AGAIN_MARGIN * startedBefore.readyMs + QUIET_AGAIN_MS : LEAST_MS;
  const clock = ProcessTreeClock.open(child.pid);
  let lastIds = "";
  let quietSinceNs = began;
  let last = clock?.read() ?? null;
  for (;;) {
    await Bun.sleep(LOOK_MS);
    signal.throwIfAborted();
    if (child.ended || clock === null) {
      throw cannotRunError("subject-ended", {
        what: "the command ended before anything could be measured",
        why: endOf(child, output) ?? undefined,
        hint: "give a command that runs until it is stopped",
      });
    }
    const now = clock.read();
    const appeared = listProgramIds().filter((id) => !before.has(id));
    const ids = [...appeared, ...now.pids.flatMap((pid) => readHeldBpf(pid).programIds)].join();
    const usedNs = now.cpuNs - (last?.cpuNs ?? 0);
    if (ids !== lastIds || usedNs > QUIET_SHARE * (now.atNs - (last?.atNs ?? began))) quietSinceNs = now.atNs;
    lastIds = ids;
    last = now;
    const elapsedNs = now.atNs - began;
    const isQuiet = now.atNs - quietSinceNs >= quietMs * 1e6 && elapsedNs >= leastMs * 1e6;
    const isComplete = appeared.length >= (startedBefore?.programs ?? 0);
    if (isQuiet && isComplete) return { elapsedNs, cpuNs: now.cpuNs, wasQuiet: true, pids: now.pids };
    if (elapsedNs >= mostMs * 1e6) return { elapsedNs, cpuNs: now.cpuNs, wasQuiet: false, pids: now.pids };
  }
}

/**
 * The programs of the list without those that only processes other than `pids` hold: these processes may have loaded
 * programs at the same time. A program without a holder stays: it is pinned, or its attachment needs no holder.
 */
function withoutOthers(ids: readonly number[], pids: readonly number[]): number[] {
  if (ids.length === 0) return [];
  const others = new Set<number>();
  for (const name of readdirSync("/proc")) {
    if (!/^[1-9]\d*$/.test(name) || pids.includes(Number(name))) continue;
    for (const id of readHeldBpf(Number(name)).programIds) others.add(id);
  }
  const own = new Set(pids.flatMap((pid) => readHeldBpf(pid).programIds));
  return ids.filter((id) => own.has(id) || !others.has(id));
}

/** How a command ended by itself, and the last line of its output; null while it runs. */
function endOf(child: SupervisedChild, output: ScratchFile): string | null {
  const problem = child.problem();
  if (problem === null) return null;
  let last = "";
  // Lines without a letter are skipped, such as the marks that a compiler prints below a line of code.
  for (const line of output.lines()) if (/\p{L}/u.test(line)) last = line.trim();
  return last === "" ? problem : `${problem}: ${last.slice(0, 200)}`;
}

/** A word of a command line, quoted for a shell if necessary. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
