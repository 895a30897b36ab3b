import { type PhaseName, phasesOf } from "../../overhead/plan.ts";
import type { OverheadReport, SampleFigures } from "../../overhead/result.ts";
import type { TestListener } from "../../overhead/run.ts";
import { VERSION } from "../../version.ts";
import { table } from "../terminal/layout.ts";
import { Progress } from "../terminal/progress.ts";
import { paint, type TextStyle } from "../terminal/style.ts";
import { SAMPLE_COLUMNS, SAMPLE_LEGEND, sampleCells } from "./samples.ts";
import { beginningLines } from "./text.ts";

export interface LiveOptions extends TextStyle {
  /** Whether stderr is a terminal. */
  isTty: boolean;
  write?: (text: string) => void;
}

const PHASE_TEXT: Record<PhaseName, string> = {
  noise: "noise of the machine",
  baseline: "baseline",
  start: "start",
  "warm-up": "warm-up",
  workload: "workload",
  sweep: "sweep over rates",
  slowdown: "slowdown",
};

/** Shows a test while it goes on: heading, a row each sample, and how long it will still take. */
export class LiveView implements TestListener, Disposable {
  readonly #options: LiveOptions;
  readonly #began = new Date().toISOString();
  #progress: Progress | null = null;
  #workloadBeganS = 0;
  #rows = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  planned({ plan, subject, host, options }: Parameters<TestListener["planned"]>[0]): void {
    const { isTty, color, columns, write } = this.#options;
    this.#progress = new Progress({
      phases: phasesOf(plan).map(({ name, seconds }) => ({ name: PHASE_TEXT[name], seconds })),
      isTty,
      color,
      columns: columns ?? 80,
      ...(write && { write }),
    });
    const about: Parameters<typeof beginningLines>[0] = {
      version: VERSION,
      started: this.#began,
      host,
      subject: { kind: subject.kind, name: subject.name, command: subject.command, pids: [] },
      options: {
        baseline_s: plan.baselineMs / 1000,
        duration_s: plan.durationMs / 1000,
        interval_s: plan.intervalMs / 1000,
        profile: options.profile,
        rate: plan.rate,
        quick: options.quick,
        seed: options.seed,
      } satisfies OverheadReport["options"],
      threshold_pct: options.thresholdPct,
    };
    this.#progress.lines(beginningLines(about, this.#options));
  }

  phase(name: PhaseName): void {
    if (this.#rows > 0) {
      this.#progress?.lines([paint(`  ${SAMPLE_LEGEND}`, "faint", this.#options)]);
      this.#rows = 0;
    }
    this.#progress?.phase(PHASE_TEXT[name]);
  }

  sample(sample: SampleFigures): void {
    // Of the first row only its length is known.
    if (this.#rows === 0) this.#workloadBeganS = sample.t_s - sample.length_s;
    const [head = "", row = ""] = table(SAMPLE_COLUMNS, [sampleCells(sample, this.#workloadBeganS)], this.#options);
    this.#progress?.lines(this.#rows === 0 ? [head, row] : [row]);
    this.#rows++;
  }

  note(text: string): void {
    this.#progress?.lines([paint(`  ! ${text}`, "doubtful", this.#options)]);
  }

  close(): void {
    this.#progress?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
