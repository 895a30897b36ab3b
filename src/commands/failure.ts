import { writeStderr } from "../config/log.ts";
import { EXIT, type ExitCode, LinnixError } from "../errors.ts";
import { printable } from "../json/printable.ts";
import { hintOf, refusalCode } from "../sys/refusal.ts";
import { ClosedPipe } from "./stdout.ts";

/** How much of an error is printed. */
export interface Verbosity {
  /** Print nothing: the caller only needs the exit code. */
  silent: boolean;
  /** Print the stack of the error, too. */
  stack: boolean;
}

/**
 * Prints an error to stderr: `linnix: what: why`, and on the next line the hint.
 * @returns the exit code of the program
 */
export function reportError(error: unknown, { silent, stack }: Verbosity): ExitCode {
  // It is no error if the reader of the output closes the pipe early (`| head`).
  if (error instanceof ClosedPipe || (error as { code?: unknown } | null)?.code === "EPIPE") {
    return EXIT.ok;
  }
  const known = error instanceof LinnixError ? error : unexpected(error);
  if (!silent) {
    writeStderr(`linnix: ${printable(oneLine([known.what, known.why].filter(Boolean).join(": ")))}\n`);
    if (known.hint) {
      writeStderr(`  ${printable(oneLine(known.hint))}\n`);
    }
    if (stack) {
      writeStderr(`${printable(stackOf(error), "\n\t")}\n`);
    }
  }
  return known.exitCode;
}

/** The message for an unexpected error: the system refused something, or linnix has a defect. */
function unexpected(error: unknown): LinnixError {
  const why = error instanceof Error ? error.message : String(error);
  const refusal = refusalCode(error);
  const isRefused = refusal !== null;
  const what = isRefused ? "the system refused what linnix needs" : "unexpected error";
  const hint = isRefused
    ? (hintOf(error) ?? "linnix doctor checks what this machine supports; --log-level debug shows where it failed")
    : "this is a defect of linnix: please report it with the output of --log-level debug";
  return new LinnixError(isRefused ? "cannot-run.refused" : "internal", EXIT.cannotRun, { what, why, hint });
}

/** The stack of the error, and the stacks of its causes. */
function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    stacks.push(`${depth === 0 ? "" : "caused by "}${at.stack ?? at.message}`);
  }
  return stacks.join("\n");
}

/** Maximum number of characters of a word and of a line in a message. A path or an option may have any length. */
const MAX_WORD = 300;
const MAX_LINE = 4000;
const LONG_WORD = new RegExp(`(\\S{${MAX_WORD}})\\S+`, "g");

function oneLine(text: string): string {
  const line = text.replace(/\s*[\r\n]+\s*/g, " ").replace(LONG_WORD, "$1…");
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}
