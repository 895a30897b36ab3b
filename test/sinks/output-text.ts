/** What a sink writes, through a real file. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Output } from "../../src/sinks/output.ts";

/** The bytes that `use` writes to the output it is given. */
export function outputOf(use: (output: Output) => void): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
  try {
    const path = join(directory, "output");
    {
      using output = Output.open(path);
      use(output);
    }
    return readFileSync(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The same as text. */
export function outputText(use: (output: Output) => void): string {
  return outputOf(use).toString("utf8");
}
