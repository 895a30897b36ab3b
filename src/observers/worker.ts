import { usageError } from "../errors.ts";
import { runProcScan } from "./proc-scan-worker.ts";
import { runTaskIterator } from "./task-iterator-worker.ts";

/**
 * Runs a method that is part of linnix in this process, so that its cost can be told from everybody else's. Never
 * returns: the observer that started it ends it.
 *
 * @param argv `proc-scan INTERVAL_MS all|new`, or `task-iterator INTERVAL_MS`
 */
export function runWorker(argv: readonly string[]): never {
  const [name, interval, detail] = argv;
  const intervalMs = Number(interval);
  if (name === "proc-scan" && intervalMs > 0 && (detail === "all" || detail === "new")) {
    runProcScan(intervalMs, detail);
  }
  if (name === "task-iterator" && intervalMs > 0 && detail === undefined) runTaskIterator(intervalMs);
  throw usageError("observer-worker", {
    what: `no observer worker understands ${JSON.stringify(argv.join(" "))}`,
    why: "this entry is for linnix's own use",
  });
}
