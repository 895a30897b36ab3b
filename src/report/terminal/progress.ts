import { writeStderr } from "../../config/log.ts";
import { formatClock } from "../format.ts";
import { paint } from "./style.ts";

/** One phase of a long run. */
export interface ProgressPhase {
  /** Such as "baseline". */
  name: string;
  /** About how long it takes. */
  seconds: number;
}

export interface ProgressOptions {
  phases: readonly ProgressPhase[];
  /** Whether stderr is a terminal that lines can be drawn on again. */
  isTty: boolean;
  color: boolean;
  /** Columns of the terminal. */
  columns: number;
  /** Writes text. Default: to stderr. */
  write?: (text: string) => void;
}

const REDRAW_MS = 500;
const BAR_CELLS = 24;

/**
 * Shows progress on stderr. On a terminal, the last line is a bar with the time left, which is redrawn twice a second.
 * Elsewhere, each phase is one plain line.
 */
export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  readonly #write: (text: string) => void;
  #index = -1;
  #phaseBeganMs = 0;
  #timer: Timer | undefined;
  #drawn = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#write = options.write ?? writeStderr;
    if (options.isTty) {
      this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
      this.#timer.unref();
    }
  }

  /** Starts a phase. Does nothing if there is no phase with this name. */
  phase(name: string): void {
    const index = this.#options.phases.findIndex((phase) => phase.name === name);
    if (index < 0) return;
    this.#index = index;
    this.#phaseBeganMs = performance.now();
    if (this.#options.isTty) this.#draw();
    else this.#write(`${name} (about ${Math.ceil(this.#options.phases[index]?.seconds ?? 0)} s)\n`);
  }

  /** Writes lines above the bar. */
  lines(lines: readonly string[]): void {
    this.#erase();
    this.#write(`${lines.join("\n")}\n`);
    if (this.#options.isTty) this.#draw();
  }

  /** Ends the progress and removes the bar. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
    this.#index = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #erase(): void {
    if (this.#drawn) this.#write("\r\x1b[2K");
    this.#drawn = false;
  }

  #draw(): void {
    if (this.#index < 0) return;
    const { columns, color } = this.#options;
    this.#write(`\r\x1b[2K${progressLine(this.#state(), columns, color)}`);
    this.#drawn = true;
  }

  #state(): ProgressState {
    const { phases } = this.#options;
    const total = phases.reduce((sum, { seconds }) => sum + seconds, 0);
    const before = phases.slice(0, this.#index).reduce((sum, { seconds }) => sum + seconds, 0);
    const phase = phases[this.#index];
    // If a phase takes longer than planned, the bar waits at its end.
    const within = Math.min((performance.now() - this.#phaseBeganMs) / 1000, phase?.seconds ?? 0);
    return {
      name: phase?.name ?? "",
      share: total > 0 ? (before + within) / total : 0,
      leftS: total - before - within,
    };
  }
}

export interface ProgressState {
  name: string;
  /** 0 … 1 */
  share: number;
  leftS: number;
}

/** The line `██████░░░░░░  42 %  workload, 1:12 left`. On a narrow terminal, the bar is shorter or left out. */
export function progressLine({ name, share, leftS }: ProgressState, columns: number, color: boolean): string {
  const text = ` ${String(Math.floor(share * 100)).padStart(3)} %  ${name}, ${formatClock(leftS)} left`;
  const cells = Math.min(BAR_CELLS, columns - text.length - 5);
  if (cells < 4) return text.slice(0, Math.max(columns - 1, 0));
  const full = Math.round(share * cells);
  return `  ${paint("█".repeat(full), "good", { color })}${paint("░".repeat(cells - full), "faint", { color })}${text}`;
}
