import { choice, durationMs, integer, listOf, percent } from "../config/values.ts";
import { EXIT, type ExitCode, usageError } from "../errors.ts";
import { assertFloor } from "../floor.ts";
import {
  DEFAULT_MS,
  EXCLUDABLE_PARTS,
  type OverheadOptions,
  QUICK_MS,
  type SubjectChoice,
  TEST_PROFILES,
} from "../overhead/options.ts";
import { LIMITS } from "../workload/spec.ts";
import { commandOf, type Invocation, optionValue, type ParsedArgs } from "./command.ts";
import { checkStormOptions, runStorm } from "./overhead-storm.ts";

const PID_MAX = 4 * 1024 * 1024;
const MOST_PIDS = 64;

const RATE = integer({ min: 1, max: LIMITS.rate, name: "a number of processes a second" });
const PIDS = listOf(integer({ min: 1, max: PID_MAX, name: "a process id" }), { max: MOST_PIDS });
const BASELINE = durationMs({ min: 0, max: "10m", example: "10s" });
const DURATION = durationMs({ min: "500ms", max: "55m", example: "60s" });
const INTERVAL = durationMs({ min: "100ms", max: "1m", example: "2s" });
const THRESHOLD = percent({ min: 0.001, max: 1000, example: 1 });

export const overheadTest = commandOf({
  about: [
    "Runs the collector against a workload of known processes and adds up what it costs: its CPU time, the time of its " +
      "BPF programs, the slowdown of watched processes, and memory. Ends with PASS only if every part of the claim is " +
      "proven. Needs root. --pid or -- COMMAND judges another agent instead.",
  ],
  details: [
    "--storm starts loops that fork as fast as they can, in a cgroup with cpu.weight 1 and pids.max 256. It shows the cost, " +
      "how many events were counted instead of sent, and whether a quiet neighbour was captured completely. Each loop ends " +
      "after 15 s at the latest, also if linnix is killed. Needs cgroup v2.",
    "The test does not read the output of another agent, so it does not measure capture and losses. If the agent cannot " +
      "be stopped, the test does not measure slowdown either. The test cannot end with PASS if a part is not measured, unless --without excludes that part.",
    "The report goes to stdout, progress to stderr. Percentages are of one core unless they say otherwise.",
  ],
  args: {
    baseline: {
      type: "string",
      valueHint: "DURATION",
      description: "how long to measure the machine without the collector",
      rare: true,
      defaultText: "10s; quick: 2s",
    },
    duration: {
      type: "string",
      valueHint: "DURATION",
      description: "how long to measure under the workload; other parts scale with it",
      defaultText: "60s; quick: 7s",
    },
    interval: {
      type: "string",
      valueHint: "DURATION",
      description: "length of a sample",
      rare: true,
      defaultText: "2s; quick: 1s",
    },
    threshold: {
      type: "string",
      valueHint: "PERCENT",
      description: "claim: total cost and slowdown are below this, %",
      defaultText: "1",
    },
    rate: {
      type: "string",
      valueHint: "N",
      description: "processes a second of the workload",
      defaultText: "by --profile",
    },
    profile: {
      type: "string",
      valueHint: "NAME",
      description:
        "workload: seed (100 processes/s), small-server (50,000 events a day), busy-api (500,000), ci-runner (2,000,000)",
      defaultText: "seed",
    },
    without: {
      type: "string",
      valueHint: "PARTS",
      description: `parts of the claim that the test does not judge: ${EXCLUDABLE_PARTS.join(", ")}`,
    },
    quick: { type: "boolean", description: "short phases, about half a minute, for a first look" },
    storm: { type: "boolean", description: "run a storm of forks beside a quiet process instead; it asks first" },
    yes: { type: "boolean", description: "with --storm: start it without asking", rare: true },
    json: {
      type: "string",
      valueHint: "FILE",
      description: "write the report as JSON; - is stdout, and the text report goes to stderr",
      group: "Report",
    },
    html: { type: "string", valueHint: "FILE", description: "write the report as one HTML file", group: "Report" },
    verbose: {
      type: "boolean",
      description: "print every figure; with --version: commit, embedded software, licences",
      group: "Report",
    },
    pid: {
      type: "string",
      valueHint: "PID",
      multiple: true,
      description: "judge these processes and their descendants instead",
      group: "Another agent",
    },
  },
  rest: "COMMAND...",
  examples: [
    { command: "sudo linnix overhead-test", does: "the whole test, below three minutes" },
    { command: "sudo linnix test --json result.json --html result.html", does: "keep reports" },
    { command: "sudo linnix test --storm --yes", does: "what a storm costs, in below a minute", rare: true },
    {
      command: "sudo linnix test --without lost,capture -- bpftrace script.bt",
      does: "measure another agent",
      rare: true,
    },
    {
      command: "sudo linnix test --without lost,capture,slowdown --pid $(pidof falco)",
      does: "measure an agent that runs already",
      rare: true,
    },
  ],
  exits: [
    { code: EXIT.ok, meaning: "PASS: cost and slowdown below the threshold, no loss, full capture" },
    { code: EXIT.fail, meaning: "FAIL: a part of the claim is disproven" },
    { code: EXIT.usage, meaning: "unknown option, bad value, bad configuration" },
    { code: EXIT.cannotRun, meaning: "cannot run here; linnix doctor says why" },
    { code: EXIT.inconclusive, meaning: "INCONCLUSIVE: too noisy, or a part could not be measured" },
    { code: EXIT.sigint, meaning: "ended by Ctrl-C (143: SIGTERM), after an incomplete report" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const invocation = data as Invocation;
    checkStormOptions(invocation.args);
    if (invocation.args.switches.has("storm")) {
      assertFloor();
      return runStorm(invocation);
    }
    const options = testOptions(invocation);
    assertFloor();
    const { ReportOutput } = await import("./report-output.ts");
    using output = await ReportOutput.open(invocation);

    const { runOverheadTest, exitCodeOf } = await import("../overhead/run.ts");
    const { Interruption } = await import("../overhead/interruption.ts");
    const { LiveView } = await import("../overhead/report/live.ts");
    const { textReport } = await import("../overhead/report/text.ts");
    const { level } = invocation.config.settings.log;
    const isTold = level === "info" || level === "debug";

    using interruption = new Interruption();
    const view = new LiveView({ ...output.progress, ...(!isTold && { write: () => {} }) });
    const report = await runOverheadTest(options, view, interruption.signal).finally(() => view.close());

    await output.finish({
      json: async () => (await import("../overhead/report/json.ts")).jsonReport(report),
      html: async () => (await import("../overhead/report/html.ts")).htmlReport(report),
      // If the same terminal shows the progress, it has shown the beginning of the report already.
      text: (style) =>
        textReport(report, {
          ...style,
          beginningShown: isTold && output.followsProgress,
          verbose: invocation.args.switches.has("verbose"),
        }),
    });
    return interruption.exitCode ?? exitCodeOf(report.verdict);
  },
});

function testOptions({ args, config }: Invocation): OverheadOptions {
  const quick = args.switches.has("quick");
  const usual = quick ? QUICK_MS : DEFAULT_MS;
  const duration = optionValue(args, "duration", DURATION, usual.duration);
  return {
    subject: subjectOf(args, config),
    baselineMs: optionValue(args, "baseline", BASELINE, usual.baseline),
    durationMs: duration,
    intervalMs: optionValue(args, "interval", INTERVAL, usual.interval),
    thresholdPct: optionValue(args, "threshold", THRESHOLD, 1),
    rate: args.words.has("rate") ? optionValue(args, "rate", RATE, 1) : null,
    profile: optionValue(args, "profile", choice(TEST_PROFILES), "seed"),
    seed: 1,
    without: optionValue(args, "without", listOf(choice(EXCLUDABLE_PARTS), { max: EXCLUDABLE_PARTS.length }), []),
    quick,
  };
}

function subjectOf(args: ParsedArgs, config: Invocation["config"]): SubjectChoice {
  const pids = optionValue(args, "pid", PIDS, []);
  const { rest } = args;
  if (rest !== null && rest.length === 0) {
    throw usageError("missing-value", { what: "--", why: "no command follows it", hint: "expected -- COMMAND..." });
  }
  if (rest !== null && pids.length > 0) {
    throw usageError("contradiction", {
      what: "--pid and -- COMMAND",
      why: "only one subject can be judged at a time",
    });
  }
  if (rest !== null) return { kind: "command", argv: rest };
  return pids.length > 0 ? { kind: "pid", pids } : { kind: "linnix", settings: config.settings };
}
