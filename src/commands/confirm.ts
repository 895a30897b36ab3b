import { readSync } from "node:fs";
import { writeStderr } from "../config/log.ts";
import { LineCutter } from "../sys/child.ts";

const PAUSE_MS = 50;

/** Asks on stderr and reads the answer from stdin. @returns whether it is yes */
export async function confirm(question: string): Promise<boolean> {
  writeStderr(`${question} [y/N] `);
  return isYes(await readLine());
}

/** Whether an answer is yes. Anything else means no, also the end of the input (null). */
export function isYes(answer: string | null): boolean {
  return answer !== null && /^\s*y(?:es)?\s*$/i.test(answer);
}

/** The next line of stdin; null at its end. */
async function readLine(): Promise<string | null> {
  const cutter = new LineCutter();
  const buffer = new Uint8Array(256);
  for (;;) {
    try {
      const got = readSync(0, buffer);
      if (got === 0) return null;
      const [line] = cutter.push(Buffer.from(buffer.subarray(0, got)).toString("utf8"));
      if (line !== undefined) return line;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return null;
      // Another process has made the terminal non-blocking.
      await Bun.sleep(PAUSE_MS);
    }
  }
}
