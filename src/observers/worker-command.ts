import { join } from "node:path";
import type { ObserverContext } from "./observer.ts";

/** The hidden command of a compiled linnix that calls `runWorker`. */
export const WORKER_SUBCOMMAND = "__observer";

/**
 * The runtime's allocator (mimalloc) has a thread that checks ten times a second for memory to release. This costs as
 * much as one scan of the processes per second. With a delay of -1 there is no such thread, and the worker keeps its
 * memory.
 */
export const WORKER_ENV = { MIMALLOC_PURGE_DELAY: "-1" };

/**
 * The command that runs a worker. By default this is this program, or, if the program is not compiled, this runtime
 * with worker-main.ts.
 */
export function workerCommand(context: Pick<ObserverContext, "workerCommand">): readonly string[] {
  if (context.workerCommand !== undefined) return context.workerCommand;
  if (Bun.main.startsWith("/$bunfs/")) return [process.execPath, WORKER_SUBCOMMAND, "--"];
  return [process.execPath, join(import.meta.dir, "worker-main.ts")];
}
