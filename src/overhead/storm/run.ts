import { dirname } from "node:path";
import { log } from "../../config/log.ts";
import { cannotRunError, EXIT } from "../../errors.ts";
import { chooseBackend } from "../../probes/backend.ts";
import { FOLDER_PREFIXES, PrivateFolder } from "../../sys/private-folder.ts";
import { assertKnownClock } from "../../sys/time-namespace.ts";
import { VERSION } from "../../version.ts";
import { CollectorSubject } from "../collector-subject.ts";
import { readHostFacts } from "../host.ts";
import { assertMatchable, assertOwnProc } from "../pid-namespace.ts";
import { assertPrivileged } from "../privilege.ts";
import { PIDS_MAX, StormCgroups } from "./cgroups.ts";
import { figuresOf, NOTHING } from "./figures.ts";
import { readHierarchy } from "./hierarchy.ts";
import { DEADLINE_S, findStormTools, type StormTools } from "./loops.ts";
import { measureStorm, type StormPhase } from "./measure.ts";
import type { StormOptions } from "./options.ts";
import { StormOutput } from "./output.ts";
import type { StormFigures, StormHead, StormReport } from "./result.ts";
import { judgeStorm } from "./verdict.ts";

const COMMAND = "overhead-test --storm";

/** Receives the progress of the run. */
export interface StormListener {
  /** Once, before anything is measured. */
  planned(head: StormHead): void;
  phase(name: StormPhase): void;
}

const PHASE_WORDS: Record<StormPhase, string> = {
  start: "the collector's start",
  "warm-up": "the warm-up",
  storm: "the storm",
  after: "the time after the storm",
};

/**
 * Checks whether a storm can run here, without changing anything.
 * @throws LinnixError (exit code 3) if it cannot
 */
export async function assertStormPossible({ settings }: Pick<StormOptions, "settings">): Promise<StormTools> {
  assertPrivileged();
  assertKnownClock(COMMAND);
  assertOwnProc(COMMAND);
  assertMatchable(COMMAND, chooseBackend(settings.probes.backend));
  readHierarchy();
  return findStormTools();
}

/**
 * Runs a storm in a cgroup of its own, beside a quiet neighbour in another one. An abort ends it early.
 *
 * @throws LinnixError if the test cannot run here, or the collector cannot be started
 */
export async function runStormTest(
  options: StormOptions,
  listener: StormListener,
  signal: AbortSignal,
): Promise<StormReport> {
  const tools = await assertStormPossible(options);
  using folder = new PrivateFolder(FOLDER_PREFIXES.overhead);
  const subject = new CollectorSubject(options.settings, folder, "limits");
  await subject.check();
  await using cgroups = await StormCgroups.open();
  const head = headOf(options, subject, cgroups, await readHostFacts());
  listener.planned(head);
  let phase: StormPhase = "start";
  const onPhase = (name: StormPhase): void => {
    phase = name;
    listener.phase(name);
  };
  let figures = NOTHING;
  try {
    onPhase("start");
    figures = await measure({ options, subject, folder, cgroups, tools, onPhase, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    log.debug(`ended early: ${error}`);
  }
  const incomplete = signal.aborted ? `${signal.reason} came during ${PHASE_WORDS[phase]}` : null;
  return { ...head, incomplete, ...judgeStorm(figures, head.budget, incomplete), ...figures };
}

interface RunParts {
  options: StormOptions;
  subject: CollectorSubject;
  folder: PrivateFolder;
  cgroups: StormCgroups;
  tools: StormTools;
  onPhase: (phase: StormPhase) => void;
  signal: AbortSignal;
}

async function measure({ subject, folder, ...parts }: RunParts): Promise<StormFigures> {
  await using collector = await subject.start(parts.signal);
  const raw = await measureStorm({ ...parts, collector });
  const problem = collector.problem();
  await collector.stop();
  if (problem !== null && collector.child.exitCode === EXIT.cannotRun) {
    throw cannotRunError("collector", {
      what: `${COMMAND} cannot run to its end`,
      why: `the collector did not: ${problem}`,
      hint: `its output goes to ${dirname(folder.path)}: TMPDIR chooses another folder`,
    });
  }
  // The output is read only after all measuring has ended.
  const output = new StormOutput();
  for (const line of collector.lines()) output.add(line);
  return figuresOf(raw, {
    output,
    lines: collector.lines(),
    cgroupId: parts.cgroups.stormId,
    budgetPct: parts.options.settings.budget.cpuPct,
    problem,
  });
}

function headOf(
  options: StormOptions,
  subject: CollectorSubject,
  { hierarchy, stormPath, neighbourPath }: StormCgroups,
  host: StormHead["host"],
): StormHead {
  const { cpuPct, floor, stormRate } = options.settings.budget;
  return {
    schema: "linnix.overhead-storm/1",
    version: VERSION,
    started: new Date().toISOString(),
    host,
    command: subject.command,
    options: {
      rate: options.rate,
      loops: options.loops,
      warm_up_s: options.warmUpMs / 1000,
      storm_s: options.stormMs / 1000,
      after_s: options.afterMs / 1000,
      deadline_s: DEADLINE_S,
      seed: options.seed,
    },
    cgroups: {
      storm: stormPath,
      neighbour: neighbourPath,
      pids_max: PIDS_MAX,
      cpu: hierarchy.legacy.has("cpu") ? "cpu.shares 2" : "cpu.weight 1",
      v1_controllers: [...hierarchy.legacy.keys()],
    },
    budget: { cpu_pct: cpuPct, floor, storm_rate: stormRate },
  };
}
