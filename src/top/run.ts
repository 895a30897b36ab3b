import type { CollectConfig } from "../config/schema.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { terminalColumns } from "../sys/terminal-size.ts";
import type { DaemonAddress } from "./address.ts";
import type { Source } from "./model.ts";
import type { Sort } from "./sorting.ts";

export interface TopOptions {
  /** The daemon to read; null if `top` collects itself. */
  connect: DaemonAddress | null;
  token: string | null;
  intervalMs: number;
  sort: Sort;
  color: boolean;
  /** One refresh in this format; null: the live view. */
  once: "text" | "json" | null;
}

/** Width of the text if the output is not a terminal. */
const FILE_COLUMNS = 160;
/** `--once` waits at most this many intervals until the CPU use of processes is known. */
const MAX_INTERVALS = 3;

/**
 * Runs `linnix top`.
 * @param write called with the text of one refresh, if `once` is set
 * @throws LinnixError if it cannot run here, or the daemon does not answer
 */
export async function runTop(
  config: CollectConfig,
  options: TopOptions,
  write: (text: string) => void,
): Promise<ExitCode> {
  if (options.once === null) return live(config, options);
  using interruption = new Interrupted();
  await using source = await sourceOf(config, options);
  await source.start();
  for (let intervals = 0; intervals < MAX_INTERVALS; intervals++) {
    await Promise.race([Bun.sleep(options.intervalMs), interruption.promise]);
    if (interruption.exitCode !== null) return interruption.exitCode;
    if (source.isComplete) break;
  }
  const refresh = await source.refresh();
  const { jsonOf, textOf } = await import("./snapshot.ts");
  const { sort, once } = options;
  write(once === "json" ? jsonOf(refresh, sort) : textOf(refresh, sort, terminalColumns(1) ?? FILE_COLUMNS));
  return EXIT.ok;
}

async function live(config: CollectConfig, options: TopOptions): Promise<ExitCode> {
  const { LiveView, quietLog } = await import("./live-view.ts");
  const { assertTerminal } = await import("./terminal.ts");
  assertTerminal();
  await using source = await sourceOf(config, options);
  await source.start();
  using _quiet = quietLog();
  using view = new LiveView(source, options);
  await view.run();
  return EXIT.ok;
}

async function sourceOf(config: CollectConfig, { connect, token }: TopOptions): Promise<Source> {
  if (connect !== null) {
    const { DaemonSource } = await import("./daemon-source.ts");
    return new DaemonSource(connect, token);
  }
  const { OwnSource } = await import("./own-source.ts");
  return new OwnSource(config);
}

/** Handles SIGINT and SIGTERM until one refresh is printed. */
class Interrupted implements Disposable {
  readonly #ended = Promise.withResolvers<void>();
  exitCode: ExitCode | null = null;
  readonly #int = () => this.#end(EXIT.sigint);
  readonly #term = () => this.#end(EXIT.sigterm);

  constructor() {
    process.on("SIGINT", this.#int).on("SIGTERM", this.#term);
  }

  get promise(): Promise<void> {
    return this.#ended.promise;
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.#int).off("SIGTERM", this.#term);
  }

  #end(exitCode: ExitCode): void {
    this.exitCode = exitCode;
    this.#ended.resolve();
  }
}
