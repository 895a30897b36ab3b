import { writeSync } from "node:fs";
// The core alone: consola's own reporters are eight times the code, and write to stdout what is no result.
import { type ConsolaInstance, createConsola, LogLevels, type LogObject } from "consola/core";
import { unblocked } from "../unblocked.ts";
import type { LogLevel } from "./sections/log.ts";

/** Levels of consola by ours; everything up to the number is told. */
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

/** Sets how much is told, and whether marks are coloured. */
export function setUpLog(options: { level: LogLevel; color: boolean }): void {
  setLogLevel(options.level);
  color = options.color;
}

/** Changes how much is told while it runs. */
export function setLogLevel(level: LogLevel): void {
  log.level = LEVELS[level];
  levelInForce = level;
}

/** How much is told now; undefined as long as nobody has set it. */
export function logLevel(): LogLevel | undefined {
  return levelInForce;
}

function report({ type, args }: LogObject): void {
  const mark = MARKS[type];
  const marked = mark === undefined ? "" : color ? `\u001b[${mark.sgr}m${mark.text}\u001b[0m` : mark.text;
  writeStderr(`linnix: ${marked}${printable(args.map(String).join(" "))}\n`);
}

/** Who reads stderr has so long for a message that there is no room for; after that it is dropped. */
const PATIENCE_MS = 100;
const LOOK_MS = 10;

let stderr = 2;
/** The last message ended amid a line. */
let wasCutShort = false;

/** From now on a terminal that is stopped (Ctrl-S), or a pipe whose reader does not read, holds nobody up for long. */
export function waitForNoReader(): void {
  stderr = unblocked(2);
}

/** Writes as it is, and gives up without a word where nobody listens: there is nowhere left to tell it. */
export function writeStderr(text: string): void {
  const bytes = Buffer.from(wasCutShort ? `\n${text}` : text);
  for (let done = 0, waitedMs = 0; done < bytes.length; ) {
    try {
      done += writeSync(stderr, bytes, done);
    } catch (error) {
      // Closed; or full, and set to not block.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      if (waitedMs >= PATIENCE_MS) {
        wasCutShort ||= done > 0;
        return;
      }
      Bun.sleepSync(LOOK_MS);
      waitedMs += LOOK_MS;
    }
  }
  wasCutShort = false;
}

/** Text that a terminal shows and does not act upon: control characters become U+FFFD; line breaks and tabs stay. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}
