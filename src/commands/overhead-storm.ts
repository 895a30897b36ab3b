/** `overhead-test --storm`. */
import { integer } from "../config/values.ts";
import { EXIT, type ExitCode, usageError } from "../errors.ts";
import { mostQuietRate, type StormOptions, stormOptions } from "../overhead/storm/options.ts";
import { type Invocation, optionValue, type ParsedArgs } from "./command.ts";
import { isTerminal } from "./terminal.ts";

/** Options of the ordinary test that do not apply to a storm. */
const OTHERS = ["baseline", "duration", "interval", "threshold", "profile", "without", "quick", "html", "pid"] as const;

/** @throws LinnixError (exit code 2) if options do not go together */
export function checkStormOptions({ words, switches, rest }: ParsedArgs): void {
  if (!switches.has("storm")) {
    if (!switches.has("yes")) return;
    throw usageError("missing-option", { what: "--yes", why: "only goes with --storm" });
  }
  const other = OTHERS.find((name) => words.has(name) || switches.has(name));
  const what = rest !== null ? "-- COMMAND" : other === undefined ? null : `--${other}`;
  if (what === null) return;
  throw usageError("contradiction", {
    what: `--storm and ${what}`,
    why: "a storm test has fixed phases, workload and criteria, measures only linnix and writes no HTML",
    hint: "--storm can be combined with --rate, --json, --verbose and --yes",
  });
}

/** Asks for confirmation unless `--yes` is given, then runs the storm. */
export async function runStorm(invocation: Invocation): Promise<ExitCode> {
  const options = optionsOf(invocation);
  const isSure = invocation.args.switches.has("yes");
  if (!isSure && !((await isTerminal(0)) && (await isTerminal(2)))) {
    throw usageError("missing-option", {
      what: "--storm",
      why: "it asks before it starts, and there is no terminal to ask on",
      hint: "--yes starts it without asking",
    });
  }
  const { ReportOutput } = await import("./report-output.ts");
  using output = await ReportOutput.open(invocation);
  const { assertStormPossible, runStormTest } = await import("../overhead/storm/run.ts");
  await assertStormPossible(options);
  if (!isSure && !(await asks(options))) return EXIT.inconclusive;

  const { exitCodeOf } = await import("../overhead/run.ts");
  const { Interruption } = await import("../overhead/interruption.ts");
  const { StormView } = await import("../overhead/storm/report/live.ts");
  const { stormTextReport } = await import("../overhead/storm/report/text.ts");
  const { level } = invocation.config.settings.log;
  const isShown = level === "info" || level === "debug";
  using interruption = new Interruption();
  const view = new StormView({ ...output.progress, ...(!isShown && { write: () => {} }) });
  const report = await runStormTest(options, view, interruption.signal).finally(() => view.close());
  await output.finish({
    json: async () => (await import("../overhead/storm/report/json.ts")).stormJsonReport(report),
    html: () => "",
    text: (style) =>
      stormTextReport(report, {
        ...style,
        beginningShown: isShown && output.followsProgress,
        verbose: invocation.args.switches.has("verbose"),
      }),
  });
  return interruption.exitCode ?? exitCodeOf(report.verdict);
}

function optionsOf({ args, config: { settings } }: Invocation): StormOptions {
  const usual = stormOptions(settings);
  const most = mostQuietRate(settings.budget);
  if (most < 1) {
    throw usageError("bad-value", {
      what: `storm_rate ${settings.budget.stormRate}`,
      why: "with --storm a quiet neighbour makes processes, and even one process a second would exceed that rate",
      hint: "set a higher rate, or auto",
      setting: "budget.storm_rate",
    });
  }
  const rate = optionValue(
    args,
    "rate",
    integer({ min: 1, max: 1_000_000, name: "a number of processes a second" }),
    Math.min(usual.rate, most),
  );
  if (rate <= most) return { ...usual, rate };
  throw usageError("bad-value", {
    what: `--rate ${rate}`,
    why: "the neighbour of a storm would be a storm itself",
    hint: `expected at most ${most} with --storm`,
  });
}

async function asks({ loops, stormMs }: StormOptions): Promise<boolean> {
  const { confirm } = await import("./confirm.ts");
  const { writeStderr } = await import("../config/log.ts");
  const { DEADLINE_S } = await import("../overhead/storm/loops.ts");
  const question =
    `This starts ${loops.forkers + loops.shells} loops that fork as fast as they can for ${stormMs / 1000} s, in a cgroup with the least CPU weight.\n` +
    `Other work on this machine may become slower. All of them end after ${DEADLINE_S} s at the latest. Start?`;
  if (await confirm(question)) return true;
  writeStderr("nothing was started\n");
  return false;
}
