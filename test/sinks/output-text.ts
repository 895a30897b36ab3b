/** The output of a sink, through a real file. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Output } from "../../src/sinks/output.ts";

/** The bytes that `use` writes to its output. */
export function outputOf(use: (output: Output) => void): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
  try {
    const path = join(directory, "output");
    const fd = openSync(path, "a");
    const output = Output.of(fd);
    // The output may not drop lines, also if they come fast.
    output.takeAll();
    use(output);
    while (!output.retry()) Bun.sleepSync(1);
    closeSync(fd);
    return readFileSync(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The text that `use` writes to its output. */
export function outputText(use: (output: Output) => void): string {
  return outputOf(use).toString("utf8");
}
