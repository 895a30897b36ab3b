import { log } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { LinnixError } from "../errors.ts";
import { compareConfigs } from "./reload.ts";

export interface ReloadParts {
  /** Reads the configuration again. @throws LinnixError if it is wrong */
  reread(): Promise<CollectConfig>;
  /**
   * Puts the settings into force. If it throws, none of them has changed.
   * @returns what else has changed although the settings are the same, such as the token in a file
   */
  apply(config: CollectConfig): Promise<readonly string[]>;
  /** Called if `apply` has changed something. */
  changed?(): void;
  /** Called when a reload begins, and when it ends. */
  running?(isRunning: boolean): void;
  /** Opens the output again. @returns whether it is a file; @throws LinnixError if it cannot be opened */
  reopen(): Promise<boolean>;
}

/** Remarks on settings whose change has less effect than a user may expect. */
const REMARKS: { [setting: string]: (config: CollectConfig) => string } = {
  redaction: ({ redaction }) =>
    redaction.redact
      ? "redaction holds for all data that linnix keeps, but not for lines that were written before"
      : "text that redaction has hidden stays hidden",
};

/** Longest wait for the output to open before the settings are read, ms. */
const SLOW_OUTPUT_MS = 1500;

/** Reads the configuration again while linnix runs, one reading at a time, and logs the result. */
export class Reloader {
  readonly #parts: ReloadParts;
  #config: CollectConfig;
  #last: { isGood: boolean; lastGoodMs: number } | null = null;
  #isRunning = false;
  #isWanted = false;
  readonly #startedMs = Date.now();

  /** @param config the settings in force */
  constructor(config: CollectConfig, parts: ReloadParts) {
    this.#config = config;
    this.#parts = parts;
  }

  /** The result of the last reload; null before the first one. */
  get last(): { isGood: boolean; lastGoodMs: number } | null {
    return this.#last;
  }

  /** Never throws. It logs an error, and the settings stay as they were. */
  async reload(): Promise<void> {
    this.#isWanted = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#parts.running?.(true);
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#once();
    }
    this.#isRunning = false;
    this.#parts.running?.(false);
  }

  async #once(): Promise<void> {
    // A filesystem that does not answer must not keep the settings from being taken over.
    await Promise.race([this.#reopen(), Bun.sleep(SLOW_OUTPUT_MS)]);
    try {
      const { config, changed, needRestart } = compareConfigs(this.#config, await this.#parts.reread());
      const behind = await this.#parts.apply(config);
      this.#config = config;
      this.#last = { isGood: true, lastGoodMs: Date.now() };
      if (changed.length > 0 || behind.length > 0) this.#parts.changed?.();
      report(config, [...changed, ...behind], needRestart);
    } catch (error) {
      this.#last = { isGood: false, lastGoodMs: this.#last?.lastGoodMs ?? this.#startedMs };
      log.error(`the configuration stays as it was: ${textOf(error)}`);
    }
  }

  async #reopen(): Promise<void> {
    try {
      if (await this.#parts.reopen()) log.debug("the output has been opened again");
    } catch (error) {
      log.error(`the output is kept as it is: ${textOf(error)}`);
    }
  }
}

function report(config: CollectConfig, changed: readonly string[], needRestart: readonly string[]): void {
  const remarks = Object.entries(REMARKS).filter(([name]) => changed.some((text) => text.startsWith(`${name}.`)));
  const what =
    changed.length === 0
      ? "nothing has changed"
      : [changed.join(", "), ...remarks.map(([, textFor]) => textFor(config))].join("; ");
  log.info(`configuration read again: ${what}`);
  if (needRestart.length > 0) log.warn(`these changes need a restart: ${needRestart.join(", ")}`);
}

/** An error on one line. An error that ends the program has several lines. */
function textOf(error: unknown): string {
  if (error instanceof LinnixError) return [error.what, error.why, error.hint].filter(Boolean).join("; ");
  return error instanceof Error ? error.message : String(error);
}
