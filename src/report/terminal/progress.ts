import { writeStderr } from "../../config/log.ts";
import { terminalColumns } from "../../sys/terminal-size.ts";
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
  /** Columns of the terminal now, which its user may have resized. Default: those of stderr. */
  columnsNow?: () => number | null;
  /** Writes text. Default: to stderr. */
  write?: (text: string) => void;
}

const STDERR = 2;
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
  /** Columns that the bar takes; 0 if it is not on the screen. */
  #drawnColumns = 0;

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

  /** Columns of the terminal now. */
  #columns(): number {
    const { columns, columnsNow = () => terminalColumns(STDERR) } = this.#options;
    return columnsNow() ?? columns;
  }

  #erase(): void {
    if (this.#drawnColumns > 0) this.#write(this.#erasing(this.#columns()));
    this.#drawnColumns = 0;
  }

  /** Clears the bar. If the terminal has become narrower, it shows the bar on several rows. */
  #erasing(columns: number): string {
    const rowsAbove = Math.ceil(this.#drawnColumns / Math.max(columns, 1)) - 1;
    return rowsAbove > 0 ? `\r\x1b[${rowsAbove}A\x1b[J` : "\r\x1b[2K";
  }

  #draw(): void {
    if (this.#index < 0) return;
    const columns = this.#columns();
    const line = progressLine(this.#state(), columns, this.#options.color);
    this.#write(`${this.#erasing(columns)}${line}`);
    this.#drawnColumns = Bun.stringWidth(line);
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
