import type { RunSummary } from "../wire/summary.ts";
import type { Output } from "./output.ts";
import type { LineSink } from "./sink.ts";

/** Writes only the summary. */
export class NoneSink implements LineSink {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  start(): void {}

  write(): void {}

  notice(): void {}

  unwritten(): string {
    return "";
  }

  flush(): void {}

  finish(summary: RunSummary): void {
    const line = new TextEncoder().encode(`${JSON.stringify(summary)}\n`);
    this.#output.write(line, line.length);
  }
}
