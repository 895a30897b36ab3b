import { table } from "../../report/terminal/layout.ts";
import { Progress } from "../../report/terminal/progress.ts";
import { paint, type TextStyle } from "../../report/terminal/style.ts";
import { type PhaseName, type Plan, phasesOf } from "../plan.ts";
import type { ReportHead, SampleFigures } from "../result.ts";
import type { TestListener } from "../run.ts";
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
  cold: "cold start",
  start: "start",
  "warm-up": "warm-up",
  workload: "workload",
  sweep: "sweep over rates",
  output: "delay of the output",
  slowdown: "slowdown",
  steps: "single steps",
};

/** Shows a running test: a heading, a row for each sample, and the remaining time. */
export class LiveView implements TestListener, Disposable {
  readonly #options: LiveOptions;
  #progress: Progress | null = null;
  #workloadBeganS = 0;
  #rows = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  planned(plan: Plan, head: ReportHead): void {
    const { isTty, color, columns, write } = this.#options;
    this.#progress = new Progress({
      phases: phasesOf(plan).map(({ name, seconds }) => ({ name: PHASE_TEXT[name], seconds })),
      isTty,
      color,
      columns: columns ?? 80,
      ...(write && { write }),
    });
    this.#progress.lines(beginningLines(head, this.#options));
  }

  phase(name: PhaseName): void {
    if (this.#rows > 0) {
      this.#progress?.lines([paint(`  ${SAMPLE_LEGEND}`, "faint", this.#options)]);
      this.#rows = 0;
    }
    this.#progress?.phase(PHASE_TEXT[name]);
  }

  sample(sample: SampleFigures): void {
    // The first sample gives the begin of the workload.
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
