import { writeSync } from "node:fs";
// The core alone: consola's own reporters are eight times the code, and write to stdout what is no result.
import { type ConsolaInstance, createConsola, LogLevels, type LogObject } from "consola/core";
import { printable } from "../json/printable.ts";
import type { LogLevel } from "./sections/log.ts";

/** Levels of consola for ours: a message is logged up to this number. */
const LEVELS: Record<LogLevel, number> = {
  silent: Number.NEGATIVE_INFINITY,
  error: LogLevels.error,
  warn: LogLevels.warn,
  info: LogLevels.info,
  debug: LogLevels.debug,
};

const MARKS: Partial<Record<LogObject["type"], { text: string; sgr: number }>> = {
  error: { text: "error: ", sgr: 31 },
  warn: { text: "warning: ", sgr: 33 },
  debug: { text: "debug: ", sgr: 2 },
};

let color = false;
let levelInForce: LogLevel | undefined;

/** The program's log: always to stderr, one line or more a message, each message begun with `linnix: `. */
export const log: ConsolaInstance = createConsola({
  level: LEVELS.info,
  // A repeated message that waits for a timer would be lost when the program ends.
  throttle: 0,
  reporters: [{ log: (entry) => report(entry) }],
});

/** Sets the log level, and whether marks are coloured. */
export function setUpLog(options: { level: LogLevel; color: boolean }): void {
  setLogLevel(options.level);
  color = options.color;
}

/** Changes the log level while linnix runs. */
export function setLogLevel(level: LogLevel): void {
  log.level = LEVELS[level];
  levelInForce = level;
}

/** The log level now; undefined until it is set. */
export function logLevel(): LogLevel | undefined {
  return levelInForce;
}

function report({ type, args }: LogObject): void {
  const mark = MARKS[type];
  const marked = mark === undefined ? "" : color ? `\u001b[${mark.sgr}m${mark.text}\u001b[0m` : mark.text;
  writeStderr(`linnix: ${marked}${printable(args.map(String).join(" "), "\n\t")}\n`);
}

/** Where messages go. */
export interface StderrChannel {
  /**
   * Writes what there is room for.
   * @returns how many bytes that is
   * @throws an error with the code EAGAIN if there is no room now, ENOBUFS where there will be none soon
   */
  write(bytes: Uint8Array): number;
  /** Waits until everything is written. */
  flushed?(): Promise<void>;
}

/** So long a message waits for room; after that it is dropped. */
const PATIENCE_MS = 100;
const LOOK_MS = 10;
/** So long the end of the program waits for the last messages. */
const LAST_WORDS_MS = 1000;

let channel: StderrChannel = { write: (bytes) => writeSync(2, bytes) };
/** Whether the last message ended inside a line. */
let wasCutShort = false;
/** Messages that were dropped since the last one that was written. */
let dropped = 0;

export function setStderr(to: StderrChannel): void {
  channel = to;
}

/**
 * Writes the text unchanged. Drops the message if there is no room for it; the next written message reports how many
 * are missing. Waits for room once; then only after a message was written again.
 */
export function writeStderr(text: string): void {
  const missing = dropped === 0 ? "" : `linnix: ${dropped} messages are missing here\n`;
  const bytes = Buffer.from(`${wasCutShort ? "\n" : ""}${missing}${text}`);
  const patienceMs = dropped === 0 ? PATIENCE_MS : 0;
  for (let done = 0, waitedMs = 0; done < bytes.length; ) {
    try {
      done += channel.write(done === 0 ? bytes : bytes.subarray(done));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Closed: no reader is there to miss it.
      if (code !== "EAGAIN" && code !== "ENOBUFS") return;
      if (code === "ENOBUFS" || waitedMs >= patienceMs) {
        wasCutShort ||= done > 0;
        dropped++;
        return;
      }
      Bun.sleepSync(LOOK_MS);
      waitedMs += LOOK_MS;
    }
  }
  wasCutShort = false;
  dropped = 0;
}

/** Waits until messages are written. */
export async function stderrWritten(): Promise<void> {
  await channel.flushed?.();
}

/** The same, but only as long as the end of the program may wait. */
export async function flushStderr(): Promise<void> {
  if (channel.flushed) await Promise.race([channel.flushed(), Bun.sleep(LAST_WORDS_MS)]);
}
