import { cannotRunError } from "../errors.ts";
import type { CpuUsage } from "../sys/child.ts";
import { fileBytes, LaunchedTool, type LaunchOptions, makeFolder, removeFolder } from "./launch.ts";
import { readLines } from "./lines.ts";
import { newTally, type ObserverContext, type RunningObserver, type Sighting, type Tally } from "./observer.ts";

/**
 * Reads the lines of a method's output and yields the sightings. Its only side effect is that it counts in the tally.
 */
export type OutputParser = (lines: Iterable<string>, tally: Tally) => Iterable<Sighting>;

/** How linnix runs a method that is one program with one output. */
export interface ToolMethod {
  name: string;
  /** Returns the command. The command may write to `folder`, which is private. */
  argv: (folder: string) => string[];
  stopSignal: LaunchOptions["stopSignal"];
  env?: LaunchOptions["env"];
  /** Whether the program watches yet. */
  ready: (tool: LaunchedTool) => boolean;
  parse: OutputParser;
  /** Null for event methods. */
  intervalMs: number | null;
  /** The file with the output, if the program does not write it to its standard output. */
  outputPath?: (folder: string) => string;
  /** Bytes that the method has written, if it writes more than its output. Called just before the method is stopped. */
  bytesWritten?: (tool: LaunchedTool) => number | null;
}

/** Runs a method that is one program with one output. */
export async function startTool(context: ObserverContext, method: ToolMethod): Promise<RunningObserver> {
  const { signal, onStage } = context;
  signal?.throwIfAborted();
  const folder = makeFolder(context, method.name);
  let tool: LaunchedTool | null = null;
  try {
    tool = new LaunchedTool({
      argv: method.argv(folder),
      folder,
      stopSignal: method.stopSignal,
      isSupervised: true,
      ...(method.env && { env: method.env }),
    });
    await onStage?.("launched");
    const launched = tool;
    await tool.whenReady(() => method.ready(launched), signal);
    await onStage?.("watching");
    signal?.throwIfAborted();
    return new ToolObserver(method, tool, folder, onStage);
  } catch (error) {
    await tool?.stop();
    removeFolder(folder);
    throw error;
  }
}

class ToolObserver implements RunningObserver {
  readonly intervalMs: number | null;
  readonly #method: ToolMethod;
  readonly #tool: LaunchedTool;
  readonly #folder: string;
  readonly #onStage: ObserverContext["onStage"];
  #extraBytes: number | null = null;
  #stopping: Promise<void> | null = null;
  #problem: string | null = null;

  constructor(method: ToolMethod, tool: LaunchedTool, folder: string, onStage: ObserverContext["onStage"]) {
    this.intervalMs = method.intervalMs;
    this.#method = method;
    this.#tool = tool;
    this.#folder = folder;
    this.#onStage = onStage;
  }

  pids(): number[] {
    return [this.#tool.pid];
  }

  kernelThreads(): number[] {
    return [];
  }

  problem(): string | null {
    return this.#problem ?? this.#tool.problem();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#problem = this.#tool.problem();
    this.#extraBytes = this.#method.bytesWritten?.(this.#tool) ?? null;
    try {
      await this.#onStage?.("stopping");
    } finally {
      await this.#tool.stop();
    }
    await this.#onStage?.("stopped");
  }

  *seen(tally: Tally = newTally()): Generator<Sighting> {
    if (this.#stopping === null) {
      throw cannotRunError("method-running", {
        what: `the output of ${this.#method.name} can only be read after the method has stopped`,
      });
    }
    yield* this.#method.parse(readLines(this.#outputPath(), tally), tally);
  }

  bytesWritten(): number {
    return this.#extraBytes ?? this.#method.bytesWritten?.(this.#tool) ?? fileBytes(this.#outputPath());
  }

  usage(): CpuUsage | null {
    return this.#tool.usage();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      removeFolder(this.#folder);
    }
  }

  #outputPath(): string {
    return this.#method.outputPath?.(this.#folder) ?? this.#tool.outputPath;
  }
}
