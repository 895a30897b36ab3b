import { randomInt } from "node:crypto";
import { constants } from "node:os";
import { cannotRunError, EXIT, type ExitCode, LinnixError, usageError } from "../errors.ts";
import { CLOCK, clockNs, RelativeClock } from "../sys/clock.ts";
import { errnoName } from "../sys/errno.ts";
import { setParentDeathSignal } from "../sys/spawn.ts";
import { type Command, findProgram, type Program, packageOf } from "./programs.ts";
import { COMMAND, type MessageText, ROWS_PER_LINE } from "./protocol.ts";
import { SampleFiles } from "./sample-files.ts";
import { type LoopOutcome, SpawnLoop, TRUTH_CLOCK } from "./spawn-loop.ts";
import { SpawnerControl } from "./spawner-control.ts";
import { planWorkload, type WorkloadPlan } from "./spec.ts";
import type { TruthColumns } from "./truth-columns.ts";

type Write = (message: MessageText) => Promise<void>;

/**
 * The main function of the spawner process. It reads a spec (`specText`, or else the first line of standard input),
 * prepares the run, prints `ready`, runs on command, and writes the results. It leaves no child and no file.
 *
 * @returns the exit code; errors are written as a message, not thrown
 */
export async function spawnerProcess(specText: string | undefined): Promise<ExitCode> {
  setParentDeathSignal(constants.signals.SIGTERM);
  using control = new SpawnerControl(process.stdin);
  const write = stdoutWriter(control);
  try {
    const text = specText ?? (await control.line());
    if (text !== null) await runSpec(text, control, write);
    return control.signalExitCode ?? EXIT.ok;
  } catch (error) {
    const known = error instanceof LinnixError ? error : internalError(error);
    const { code, exitCode, what, why, hint } = known;
    await write({ type: "error", code, exitCode, what, why, hint });
    return exitCode;
  }
}

async function runSpec(specText: string, control: SpawnerControl, write: Write): Promise<void> {
  const plan = planWorkload(parseJson(specText));
  const { commands, leftOut } = findCommands(plan);
  using files = new SampleFiles(plan.seed);
  // Otherwise this process would keep the file system of its folder from being unmounted.
  process.chdir("/");
  const clock = new RelativeClock(TRUTH_CLOCK);
  const site = { folder: files.folder, spawnerPid: process.pid };
  const run = randomInt(10_000, 100_000);
  using loop = new SpawnLoop(plan, commands, site, run, clock);
  await write({ type: "ready", ...site, run, originNs: String(clock.originNs), commands, leftOut });
  if ((await control.line()) !== COMMAND.start) return;

  const cpuFromNs = clockNs(CLOCK.processCpu);
  const outcome = await loop.run(control);
  const spawnerCpuNs = Number(clockNs(CLOCK.processCpu) - cpuFromNs);
  await report(loop.columns, outcome, spawnerCpuNs, write);
}

async function report(columns: TruthColumns, outcome: LoopOutcome, spawnerCpuNs: number, write: Write): Promise<void> {
  for (let from = 0; from < columns.length; from += ROWS_PER_LINE) {
    await write({ type: "rows", rows: columns.rows(from, Math.min(from + ROWS_PER_LINE, columns.length)) });
  }
  const { reason, startedNs, endedNs, skipped } = outcome;
  const errors = [...outcome.errors].map(([code, count]) => ({ name: errnoName(code), count }));
  await write({ type: "result", reason, startedNs, endedNs, skipped, errors, spawnerCpuNs });
}

/** The programs of the mix that this machine has, and those that are missing. */
function findCommands(plan: WorkloadPlan): {
  commands: Command[];
  leftOut: { program: Program; debianPackage: string }[];
} {
  const commands: Command[] = [];
  const missing = new Set<Program>();
  for (const { program, share, lifetimeMs } of plan.mix) {
    const path = findProgram(program);
    if (path === null) missing.add(program);
    else commands.push({ program, path, share, lifetimeMs: lifetimeMs ?? null });
  }
  const leftOut = [...missing].map((program) => ({ program, debianPackage: packageOf(program) }));
  if (commands.length === 0) {
    throw cannotRunError("no-workload-program", {
      what: "no program of the workload is installed",
      why: `not found in /usr/bin and /bin: ${leftOut.map((left) => left.program).join(", ")}`,
      hint: `install ${leftOut.map((left) => left.debianPackage).join(", ")}`,
    });
  }
  return { commands, leftOut };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw usageError(
      "bad-workload",
      { what: "the workload's specification is not JSON", why: String(cause) },
      { cause },
    );
  }
}

function internalError(error: unknown): LinnixError {
  const why = error instanceof Error ? error.message : String(error);
  return cannotRunError("workload-failed", { what: "the workload generator failed", why }, { cause: error });
}

/** Writes JSON lines to stdout. Each promise resolves once its line is written. A missing reader is not an error. */
function stdoutWriter(control: SpawnerControl): Write {
  const writer = Bun.stdout.writer();
  return async (message) => {
    if (control.orphaned) return;
    try {
      writer.write(`${JSON.stringify(message)}\n`);
      await writer.flush();
    } catch {
      control.orphaned = true;
    }
  };
}
