import { log, logLevel, setLogLevel } from "../config/log.ts";
import { KeyParser } from "./keys.ts";
import type { Refresh, Source } from "./model.ts";
import { Screen } from "./screen.ts";
import type { Sort } from "./sorting.ts";
import { initialState, press, type Shown, type ViewState } from "./state.ts";
import { Terminal } from "./terminal.ts";
import { pageOf } from "./views/page.ts";

/** How long after a single escape byte the next bytes may still belong to the same key, ms. */
const ESCAPE_MS = 60;
/** Time until the next attempt if the terminal has not accepted all bytes, ms. */
const BEHIND_MS = 50;

export interface LiveViewOptions {
  intervalMs: number;
  sort: Sort;
  color: boolean;
}

/** Refreshes the screen until the user quits or a signal ends it. */
export class LiveView implements Disposable {
  readonly #source: Source;
  readonly #intervalMs: number;
  readonly #keys = new KeyParser();
  readonly #terminal: Terminal;
  readonly #screen: Screen;
  readonly #state: ViewState;
  readonly #ended = Promise.withResolvers<void>();
  #refresh: Refresh | undefined;
  #shown: Shown = { keys: [], page: 1 };
  #isRefreshing = false;
  #timer: Timer | undefined;
  #escape: Timer | undefined;
  #again: Timer | undefined;

  /** @throws LinnixError (exit code 3) if there is no terminal to draw on */
  constructor(source: Source, { intervalMs, sort, color }: LiveViewOptions) {
    this.#source = source;
    this.#intervalMs = intervalMs;
    this.#state = initialState(sort);
    this.#terminal = new Terminal({
      input: (bytes) => this.#input(bytes),
      changed: () => this.#redraw(),
      end: () => this.#ended.resolve(),
    });
    this.#screen = new Screen((bytes) => this.#terminal.write(bytes), color);
  }

  /** Runs until the user quits. @throws the error of a failed refresh */
  async run(): Promise<void> {
    await this.#next();
    this.#timer = setInterval(() => void this.#next(), this.#intervalMs);
    await this.#ended.promise;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearTimeout(this.#escape);
    clearTimeout(this.#again);
    this.#terminal[Symbol.dispose]();
  }

  async #next(): Promise<void> {
    // The answer of a daemon may take longer than the interval.
    if (this.#isRefreshing || this.#state.isPaused) return;
    this.#isRefreshing = true;
    try {
      const refresh = await this.#source.refresh();
      // If the user has paused in the meantime, the screen does not change.
      if (!this.#state.isPaused || !this.#refresh) this.#refresh = refresh;
      this.#draw();
    } catch (error) {
      this.#ended.reject(error);
    } finally {
      this.#isRefreshing = false;
    }
  }

  #input(bytes: Uint8Array | null): void {
    if (bytes === null) {
      this.#ended.resolve();
      return;
    }
    clearTimeout(this.#escape);
    for (const key of this.#keys.push(bytes)) this.#press(key);
    if (!this.#keys.waits) return;
    this.#escape = setTimeout(() => {
      for (const key of this.#keys.flush()) this.#press(key);
    }, ESCAPE_MS);
  }

  #press(key: string): void {
    const action = press(this.#state, key, this.#shown);
    if (action === "quit") this.#ended.resolve();
    else if (action === "redraw") this.#redraw();
    else if (action === "pause") this.#pause();
    // Draws immediately, because the next key refers to the new screen.
    this.#draw();
  }

  #pause(): void {
    if (this.#state.isPaused) this.#source.freeze();
    else void this.#next();
  }

  #redraw(): void {
    this.#screen.drop();
    this.#draw();
  }

  #draw(): void {
    if (!this.#refresh) return;
    const { size } = this.#terminal;
    const { lines, shown } = pageOf(this.#refresh, this.#state, size);
    this.#shown = shown;
    this.#screen.draw(lines, size);
    if (!this.#screen.isBehind || this.#again) return;
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#draw();
    }, BEHIND_MS);
  }
}

/** Silences the log, because its messages would destroy the screen, and the header shows the same facts. */
export function quietLog(): Disposable {
  const before = logLevel() ?? "info";
  const loud = () => setLogLevel(before);
  setLogLevel("silent");
  // Errors that end the program are still reported.
  process.prependListener("uncaughtException", loud);
  process.prependListener("unhandledRejection", loud);
  return {
    [Symbol.dispose]() {
      loud();
      process.off("uncaughtException", loud);
      process.off("unhandledRejection", loud);
      log.debug("the screen is restored");
    },
  };
}
