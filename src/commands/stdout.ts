import { writeSync } from "node:fs";
import { cannotRunError } from "../errors.ts";

/** Thrown if the reader of stdout has closed it. That is no failure of linnix, but further output is useless. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

/**
 * Writes the whole text to stdout.
 * @throws {ClosedPipe} if the reader has closed stdout
 * @throws {LinnixError} if it cannot be written, such as to a full disk
 */
export function writeStdout(text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") {
        throw new ClosedPipe();
      }
      if (code !== "EAGAIN") {
        const why = (error as Error).message.replace(/^E[A-Z0-9]+: /, "").replace(/, write$/, "");
        throw cannotRunError("stdout", { what: "cannot write to stdout", why }, { cause: error });
      }
      // The pipe is full, and another process has made it non-blocking.
      Bun.sleepSync(1);
    }
  }
}
