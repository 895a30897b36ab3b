import { writeSync } from "node:fs";
// Only the core. consola's own reporters are eight times as much code, and write log messages to stdout.
import { type ConsolaInstance, createConsola, LogLevels, type LogObject } from "consola/core";
import { printable } from "../json/printable.ts";
import type { LogLevel } from "./sections/log.ts";

/** For each log level, consola's number: messages up to this number are logged. */
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

/** The program's log. It goes to stderr. Each message begins with `linnix: ` and may have several lines. */
export const log: ConsolaInstance = createConsola({
  level: LEVELS.info,
  // consola would delay repeated messages with a timer, and they would be lost at the end of the program.
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

/** The destination of messages. */
export interface StderrChannel {
  /**
   * Writes as many bytes as there is room for.
   * @returns how many bytes it has written
   * @throws an error with the code EAGAIN if there is no room now, or ENOBUFS if there will be none soon either
   */
  write(bytes: Uint8Array): number;
  /** Waits until everything is written. */
  flushed?(): Promise<void>;
}

/** How long a message waits for room before it is dropped, ms. */
const PATIENCE_MS = 100;
const LOOK_MS = 10;
/** How long the end of the program waits for the last messages, ms. */
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
 * are missing. After a message was dropped, later ones do not wait for room, until one of them was written.
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
      // stderr is closed, so the message has no reader and is not counted.
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
