import type { HostFacts } from "../doctor/host-facts.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { judge, type VerdictName } from "../measure/verdict.ts";
import { chooseBackend } from "../probes/backend.ts";
import { FOLDER_PREFIXES, PrivateFolder } from "../sys/private-folder.ts";
import { assertKnownClock } from "../sys/time-namespace.ts";
import { VERSION } from "../version.ts";
import { CollectorSubject } from "./collector-subject.ts";
import { CommandSubject } from "./command-subject.ts";
import { figuresOf } from "./figures.ts";
import { readHostFacts } from "./host.ts";
import { ledgerOf, leftOut } from "./ledger.ts";
import type { OverheadOptions } from "./options.ts";
import { type Outcome, type PhaseListener, Phases } from "./phases.ts";
import { assertMatchable, assertOwnProc } from "./pid-namespace.ts";
import { PidSubject } from "./pid-subject.ts";
import { type Plan, planOf } from "./plan.ts";
import { assertPrivileged } from "./privilege.ts";
import type { OverheadReport, ReportHead } from "./result.ts";
import type { Subject } from "./subject.ts";

/** Receives the progress of the test. */
export interface TestListener extends PhaseListener {
  /** Once, before anything is measured. */
  planned(plan: Plan, head: ReportHead): void;
}

/**
 * Runs the whole test. An abort ends it early: the report then has the figures so far and the reason.
 *
 * @throws LinnixError if the test cannot run here, or the subject cannot be started
 */
export async function runOverheadTest(
  options: OverheadOptions,
  listener: TestListener,
  signal: AbortSignal,
): Promise<OverheadReport> {
  assertPrivileged();
  assertKnownClock("overhead-test");
  assertOwnProc("overhead-test");
  const { subject: asked } = options;
  if (asked.kind === "linnix") assertMatchable("overhead-test", chooseBackend(asked.settings.probes.backend));
  using folder = new PrivateFolder(FOLDER_PREFIXES.overhead);
  const subject = openSubject(options, folder);
  // A subject that cannot be started is reported before anything is measured.
  await subject.check?.();
  const plan = planOf(options, subject.flushMs);
  const head = headOf(options, plan, subject, await readHostFacts());
  listener.planned(plan, head);
  const outcome = await new Phases(options, plan, subject, listener, signal).run();
  return reportOf(head, outcome, subject);
}

/** The exit code of the program for a verdict. */
export function exitCodeOf(verdict: VerdictName): ExitCode {
  return verdict === "PASS" ? EXIT.ok : verdict === "FAIL" ? EXIT.fail : EXIT.inconclusive;
}

function openSubject({ subject }: OverheadOptions, folder: PrivateFolder): Subject {
  switch (subject.kind) {
    case "linnix":
      return new CollectorSubject(subject.settings, folder);
    case "command":
      return new CommandSubject(subject.argv, folder);
    case "pid":
      return new PidSubject(subject.pids);
  }
}

function headOf(options: OverheadOptions, plan: Plan, subject: Subject, host: HostFacts): ReportHead {
  const { kind, name, command } = subject;
  const { profile, quick, seed, thresholdPct, without = [] } = options;
  return {
    schema: "linnix.overhead-test/1",
    version: VERSION,
    started: new Date().toISOString(),
    host,
    subject: { kind, name, command, pids: [] },
    options: {
      baseline_s: plan.baselineMs / 1000,
      duration_s: plan.durationMs / 1000,
      interval_s: plan.intervalMs / 1000,
      profile,
      rate: plan.rate,
      quick,
      seed,
      ...(without.length > 0 ? { without } : {}),
    },
    threshold_pct: thresholdPct,
  };
}

/** Computes the figures and judges them. */
function reportOf(head: ReportHead, outcome: Outcome, subject: Subject): OverheadReport {
  const { raw, problems, incomplete, pids } = outcome;
  const thresholdPct = head.threshold_pct;
  const figures = figuresOf(raw, { thresholdPct, seed: head.options.seed });
  const ledger = ledgerOf(figures, {
    thresholdPct,
    isLinnix: subject.kind === "linnix",
    without: head.options.without ?? [],
    canStop: subject.openSwitch !== null,
    incomplete,
    problems,
    capture: raw.capture,
  });
  const { verdict: judged, reasons } = judge(ledger);
  // An incomplete test proves nothing, not even a failure: events that seem missing may be in output that was not read.
  const verdict = incomplete !== null ? "INCONCLUSIVE" : judged;
  return {
    ...head,
    subject: { ...head.subject, pids: [...pids] },
    incomplete,
    verdict,
    reasons,
    left_out: leftOut(ledger, problems),
    ...figures,
    raw,
  };
}
