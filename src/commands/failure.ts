import { printable, writeStderr } from "../config/log.ts";
import { EXIT, type ExitCode, LinnixError } from "../errors.ts";
import { ClosedPipe } from "./stdout.ts";

/** How much of an error is told. */
export interface Telling {
  /** Tell nothing: the exit code is all that was asked for. */
  silent: boolean;
  /** Tell where in the program it arose. */
  stack: boolean;
}

/**
 * Tells the user of an error, on stderr: `linnix: what: why`, and on the next line the mend.
 * @returns the exit code that it ends the program with
 */
export function reportError(error: unknown, { silent, stack }: Telling): ExitCode {
  // Whoever reads our output may stop when it has enough (`| head`).
  if (error instanceof ClosedPipe || (error as { code?: unknown } | null)?.code === "EPIPE") {
    return EXIT.ok;
  }
  const known = error instanceof LinnixError ? error : unexpected(error);
  if (!silent) {
    writeStderr(`linnix: ${printable(oneLine([known.what, known.why].filter(Boolean).join(": ")))}\n`);
    if (known.mend) {
      writeStderr(`  ${printable(oneLine(known.mend))}\n`);
    }
    if (stack) {
      writeStderr(`${printable(stackOf(error))}\n`);
    }
  }
  return known.exitCode;
}

/** A mistake of our own. */
function unexpected(error: unknown): LinnixError {
  return new LinnixError("internal", EXIT.cannotRun, {
    what: "unexpected error",
    why: error instanceof Error ? error.message : String(error),
    mend: "this is a defect of linnix: please report it, with what --log-level debug says",
  });
}

/** The stack, and those of the causes. */
function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    stacks.push(`${depth === 0 ? "" : "caused by "}${at.stack ?? at.message}`);
  }
  return stacks.join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}
