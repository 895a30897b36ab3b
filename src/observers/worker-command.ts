import { join } from "node:path";
import type { ObserverContext } from "./observer.ts";

/** The hidden command of a compiled linnix that calls `runWorker`. */
export const WORKER_SUBCOMMAND = "__observer";

/**
 * The runtime's allocator (mimalloc) has a thread that looks for memory to release ten times a second. That costs as
 * much as one look at the processes per second. A delay of -1 turns
 * releasing off: then there is no such thread, and the worker keeps its memory.
 */
export const WORKER_ENV = { MIMALLOC_PURGE_DELAY: "-1" };

/**
 * The default command that runs a worker: this program, or if it is not compiled, this runtime with the worker as its
 * script.
 */
export function workerCommand(context: Pick<ObserverContext, "workerCommand">): readonly string[] {
  if (context.workerCommand !== undefined) return context.workerCommand;
  if (Bun.main.startsWith("/$bunfs/")) return [process.execPath, WORKER_SUBCOMMAND, "--"];
  return [process.execPath, join(import.meta.dir, "worker-main.ts")];
}
