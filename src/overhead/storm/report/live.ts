import { Progress } from "../../../report/terminal/progress.ts";
import type { TextStyle } from "../../../report/terminal/style.ts";
import type { StormPhase } from "../measure.ts";
import type { StormHead } from "../result.ts";
import type { StormListener } from "../run.ts";
import { stormBeginning } from "./text.ts";

export interface StormViewOptions extends TextStyle {
  /** Whether stderr is a terminal. */
  isTty: boolean;
  write?: (text: string) => void;
}

const PHASE_TEXT: Record<StormPhase, string> = {
  start: "start",
  "warm-up": "the neighbour alone",
  storm: "storm",
  after: "the neighbour alone again",
};
/** About how long the start takes, s. */
const START_S = 1;

/** Shows a running test: a heading, and the remaining time. */
export class StormView implements StormListener, Disposable {
  readonly #options: StormViewOptions;
  #progress: Progress | null = null;

  constructor(options: StormViewOptions) {
    this.#options = options;
  }

  planned(head: StormHead): void {
    const { isTty, color, columns, write } = this.#options;
    const { warm_up_s, storm_s, after_s } = head.options;
    const seconds: Record<StormPhase, number> = {
      start: START_S,
      "warm-up": warm_up_s,
      storm: storm_s,
      after: after_s,
    };
    this.#progress = new Progress({
      phases: Object.entries(seconds).map(([name, each]) => ({ name: PHASE_TEXT[name as StormPhase], seconds: each })),
      isTty,
      color,
      columns: columns ?? 80,
      ...(write && { write }),
    });
    this.#progress.lines(stormBeginning(head, this.#options));
  }

  phase(name: StormPhase): void {
    this.#progress?.phase(PHASE_TEXT[name]);
  }

  close(): void {
    this.#progress?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
