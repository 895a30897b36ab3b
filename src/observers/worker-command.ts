import { join } from "node:path";
import type { ObserverContext } from "./observer.ts";

/** The hidden command of a compiled linnix that comes to `runWorker`. */
export const WORKER_SUBCOMMAND = "__observer";

/**
 * The runtime's allocator (mimalloc) has a thread that looks ten times a second for memory to give back, which costs as
 * much as a look a second does. Without a delay before it gives back there is no such thread: here, never to give back.
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
