import { log, stderrWritten } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { JsonlSink } from "../sinks/jsonl.ts";
import { NoneSink } from "../sinks/none.ts";
import { Output, type OutputOptions } from "../sinks/output.ts";
import { NoReader, OutputClosed } from "../sinks/output-errors.ts";
import type { LineSink } from "../sinks/sink.ts";
import { holdBackground, isBackgroundHeld, releaseBackground } from "../sys/background-hold.ts";
import { terminalColumns } from "../sys/terminal-size.ts";

export interface CollectIo {
  stdout: number;
  stderr: number;
  /** Whether events go to a terminal. */
  isTty: boolean;
  color: boolean;
}

export async function openSink(config: CollectConfig, output: Output, io: CollectIo): Promise<LineSink> {
  if (config.output.format === "none") return new NoneSink(output);
  if (config.output.format === "jsonl") return new JsonlSink(output);
  const { PrettySink } = await import("../sinks/pretty.ts");
  return new PrettySink(output, { color: io.color, width: widthOf(io) });
}

/**
 * Returns the current number of columns of the terminal that events go to; 0 if they go to none. A terminal can be
 * resized.
 */
function widthOf({ isTty, stdout }: CollectIo): () => number {
  return isTty ? () => terminalColumns(stdout) ?? 80 : () => 0;
}

export function warnIfReadable(output: Output): void {
  if (!output.isReadableByAll) return;
  log.warn(`every account of this machine can read ${output.name}, which gets command lines\nchmod o-r ${output.name}`);
}

/** Time between two checks whether a FIFO has a reader, ms. */
const READER_LOOK_MS = 100;

/** If opening a file takes longer than this, ms, linnix logs it. */
const SLOW_OPEN_MS = 2000;

/**
 * Opens the file. It waits until a FIFO has a reader, as a shell's `>` does.
 * @throws OutputClosed if the run ends before that
 */
export async function openOutput(file: string, options: OutputOptions, ended: Promise<void>): Promise<Output> {
  const slow = setTimeout(
    () => warnOfWait(`waiting for ${file} to be opened: its filesystem does not answer`),
    SLOW_OPEN_MS,
  );
  const isOver = ended.then(() => undefined);
  try {
    for (let isFirst = true; ; isFirst = false) {
      const opening = Output.open(file, options).catch((error) => {
        if (error instanceof NoReader) return error;
        throw error;
      });
      const opened = await Promise.race([opening, isOver]);
      if (opened instanceof Output) return opened;
      if (opened === undefined) throw new OutputClosed();
      clearTimeout(slow);
      if (isFirst) warnOfWait(`waiting for a reader of the FIFO ${file}`);
      await Promise.race([isOver, Bun.sleep(READER_LOOK_MS)]);
    }
  } finally {
    clearTimeout(slow);
  }
}

/** Writes the message immediately, because the wait may be long. */
function warnOfWait(message: string): void {
  releaseBackground();
  log.warn(message);
}

/**
 * Waits until messages are written. Then no other thread begins a filesystem call until linnix has changed its user.
 * @throws OutputClosed if the run ends before the messages are written
 */
export async function quietThreads(ended: Promise<void>): Promise<void> {
  if (isBackgroundHeld()) return;
  const isOver = ended.then(() => true);
  if (await Promise.race([stderrWritten(), isOver])) throw new OutputClosed();
  holdBackground();
}
