import { METHOD_NAMES, methodsNamed } from "../compare/arms.ts";
import {
  type CompareOptions,
  DEFAULT_INTERVAL_MS,
  DEFAULT_LIFETIMES,
  DEFAULT_PROCESSES,
  DEFAULT_RATE,
  LIMITS,
  type LifetimeShare,
} from "../compare/options.ts";
import { log } from "../config/log.ts";
import { readDurationNs } from "../config/units.ts";
import { durationMs, integer, listOf, type ValueType } from "../config/values.ts";
import { EXIT, type ExitCode, usageError } from "../errors.ts";
import { assertFloor } from "../floor.ts";
import { OBSERVERS } from "../observers/registry.ts";
import { commandOf, type Invocation, optionValue, type ParsedArgs } from "./command.ts";

const INTERVAL = durationMs({ min: "10ms", max: "1m", example: "1s" });
const DURATION = durationMs({ min: "500ms", max: "10m", example: "4s" });
const RATE = integer({ min: 1, max: LIMITS.rate, name: "a number of processes a second" });
const SEED = integer({ min: 0, max: 0xffff_ffff, name: "a number" });
const SIZES = listOf(integer({ min: 1, max: LIMITS.processes, name: "a number of sleeping processes" }), { max: 8 });
const MAX_SHARE = 1000;
const MAX_LIFETIMES = 8;

export const compare = commandOf({
  about: [
    "Runs each method of watching processes in turn, in random order, on the same workload of known processes, and " +
      "compares what they cost and what they saw.",
    `Methods: ${METHOD_NAMES.join(", ")}.`,
    'Under "Not compared" the report lists each method that is not installed or not permitted, and how to get it.',
  ],
  details: [
    "Between two methods linnix times spawns that no method watches. Without root, methods that need privileges, such as " +
      "linnix, are rows without figures. strace is attached only to the workload. Audit rules of this machine stay " +
      "unchanged unless --force-audit is given. At the end, also after Ctrl-C, linnix restores everything that it changed.",
    "The report goes to stdout, progress to stderr. Percentages of CPU are of one core.",
  ],
  args: {
    methods: {
      type: "string",
      valueHint: "NAME",
      multiple: true,
      description: "the methods to compare",
      defaultText: `all but ${OBSERVERS.filter(({ onlyByName }) => onlyByName).map(({ name }) => name)}`,
    },
    interval: {
      type: "string",
      valueHint: "DURATION",
      description:
        "time between two looks of a polling method; proc-scan, proc-list, task-iterator: also 100ms and 10ms",
      defaultText: "1s",
    },
    rate: {
      type: "string",
      valueHint: "N",
      description: "processes a second that the workload makes",
      defaultText: String(DEFAULT_RATE),
    },
    duration: {
      type: "string",
      valueHint: "DURATION",
      description:
        "how long to measure each method; if set, a run of all methods takes about 5 minutes plus 20 times this",
      defaultText: "4s; quick: 1s",
    },
    lifetimes: {
      type: "string",
      valueHint: "DURATION[:SHARE]",
      multiple: true,
      description: "how long the processes of the workload live, and their shares; 1ms is /bin/true",
      rare: true,
      defaultText: "1ms,10ms,100ms,1s",
    },
    processes: {
      type: "string",
      valueHint: "N",
      multiple: true,
      description:
        "measure again with this many more sleeping processes, to see whether the cost grows; none: skip this",
      rare: true,
      defaultText: "100,500,2000; quick: none",
    },
    quick: { type: "boolean", description: "one short round, below 75 s, for a first look" },
    seed: {
      type: "string",
      valueHint: "N",
      description: "seed of the random choices: order, programs, times",
      defaultText: "1",
      rare: true,
    },
    "force-audit": {
      type: "boolean",
      description: "measure auditd even if this machine has audit rules or its own audit daemon",
      rare: true,
    },
    json: {
      type: "string",
      valueHint: "FILE",
      description: "write the report as JSON; - is stdout, and the text report goes to stderr",
      group: "Report",
    },
    html: { type: "string", valueHint: "FILE", description: "write the report as one HTML file", group: "Report" },
  },
  examples: [
    { command: "sudo linnix compare-with-polling", does: "all methods, below five minutes" },
    { command: "sudo linnix compare --quick", does: "a first look, below 75 s" },
    { command: "linnix compare --methods ps,top,proc-scan", does: "methods that need no root" },
    {
      command: "sudo linnix compare --methods ps,auditd,linnix --duration 30s",
      does: "three methods, for longer",
      rare: true,
    },
    { command: "sudo linnix compare --json compare.json --html compare.html", does: "keep reports", rare: true },
  ],
  exits: [
    { code: EXIT.ok, meaning: "compared; the row of a method that could not run says why" },
    { code: EXIT.usage, meaning: "unknown option or method, bad value, bad configuration" },
    { code: EXIT.cannotRun, meaning: "no method could be measured here" },
    { code: EXIT.sigint, meaning: "ended by Ctrl-C (143: SIGTERM), after an incomplete report" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const invocation = data as Invocation;
    const options = compareOptions(invocation.args);
    assertFloor();
    const { DEFAULT_COLUMNS, ReportOutput } = await import("./report-output.ts");
    using output = await ReportOutput.open(invocation);

    const { runCompare } = await import("../compare/run.ts");
    const { Interruption } = await import("../overhead/interruption.ts");
    const { CompareProgress } = await import("../compare/report/progress.ts");
    const { textReport } = await import("../compare/report/text.ts");
    const { level } = invocation.config.settings.log;

    using interruption = new Interruption();
    using progress = new CompareProgress({
      ...output.progress,
      columns: output.progress.columns ?? DEFAULT_COLUMNS,
      isTold: level === "info" || level === "debug",
      warn: (text) => log.warn(text),
    });
    const report = await runCompare(options, {
      signal: interruption.signal,
      onPlanned: (steps) => progress.plan(steps),
      onStep: (name) => progress.step(name),
      onWarning: (text) => progress.warn(text),
    });
    progress.close();

    await output.finish({
      json: () => `${JSON.stringify(report, null, 2)}\n`,
      html: async () => (await import("../compare/report/html.ts")).htmlReport(report),
      text: (style) => textReport(report, style),
    });
    return interruption.exitCode ?? EXIT.ok;
  },
});

function compareOptions(args: ParsedArgs): CompareOptions {
  const quick = args.switches.has("quick");
  const methods = wordsOf(args, "methods");
  methodsNamed(methods);
  return {
    methods,
    intervalMs: optionValue(args, "interval", INTERVAL, DEFAULT_INTERVAL_MS),
    rate: optionValue(args, "rate", RATE, DEFAULT_RATE),
    durationMs: args.words.has("duration") ? optionValue(args, "duration", DURATION, 0) : null,
    quick,
    seed: optionValue(args, "seed", SEED, 1),
    lifetimes: lifetimesOf(wordsOf(args, "lifetimes")),
    processes: processesOf(args, quick),
    forceAudit: args.switches.has("force-audit"),
  };
}

/** The values of an option that takes several values, separated by commas or by repetition; null if it is not given. */
function wordsOf(args: ParsedArgs, option: string): string[] | null {
  const given = args.words.get(option);
  if (given === undefined) return null;
  return [...new Set(given.flatMap((word) => word.split(",")).map((word) => word.trim()))];
}

function processesOf(args: ParsedArgs, quick: boolean): readonly number[] {
  const words = wordsOf(args, "processes");
  if (words === null) return quick ? [] : DEFAULT_PROCESSES;
  if (words.length === 1 && words[0] === "none") return [];
  return optionValue(args, "processes", SIZES as ValueType<number[]>, []);
}

function lifetimesOf(words: readonly string[] | null): readonly LifetimeShare[] {
  if (words === null) return DEFAULT_LIFETIMES;
  if (words.length > MAX_LIFETIMES) throw badLifetimes(words.join(","), `more than ${MAX_LIFETIMES} values`);
  const shares = words.map((word): LifetimeShare => {
    const [lifetime = "", share = "1", ...rest] = word.split(":");
    const lifetimeMs = (readDurationNs(lifetime) ?? 0) / 1e6;
    const weight = /^\d+(\.\d+)?$/.test(share) ? Number(share) : 0;
    if (!Number.isInteger(lifetimeMs) || lifetimeMs < 1 || lifetimeMs > LIMITS.lifetimeMs) {
      throw badLifetimes(word, "not a duration of whole milliseconds from 1ms to 10s");
    }
    if (weight <= 0 || weight > MAX_SHARE || rest.length > 0) {
      throw badLifetimes(word, `the share is not a number above 0, up to ${MAX_SHARE}`);
    }
    return { lifetimeMs, share: weight };
  });
  if (new Set(shares.map(({ lifetimeMs }) => lifetimeMs)).size < shares.length) {
    throw badLifetimes(words.join(","), "the same lifetime twice");
  }
  return shares;
}

function badLifetimes(word: string, why: string) {
  return usageError("bad-value", {
    what: `--lifetimes ${JSON.stringify(word)}`,
    why,
    hint: "expected a list such as 1ms,10ms,1s, or with shares 1ms:3,100ms:1",
  });
}
