import { writeSync } from "node:fs";
import { usageError } from "../errors.ts";
import { ProcScanner, type ScanDetail } from "../procfs/proc-scanner.ts";
import { runTaskIterator } from "./task-iterator-worker.ts";
import { warmUp } from "./warm-up.ts";

/**
 * Runs one of linnix's own polling methods. The method has this process for itself, so that its cost can be measured
 * separately. Never returns: the observer that started the process ends it.
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
    why: "only linnix itself runs this command",
  });
}

/**
 * Scans /proc every interval until it is killed. It writes each scan to standard output immediately, as lines of JSON:
 * `{"listing":N}` with the number of processes, then `{"pid":…,"start_ticks":…,"args":[…]}` for each process that is
 * new or has executed another program. It sleeps without an event loop, which costs less than a timer.
 */
function runProcScan(intervalMs: number, detail: ScanDetail): never {
  warmUpScanner(detail);
  using scanner = new ProcScanner(detail);
  let next = performance.now();
  while (true) {
    let lines = "";
    const count = scanner.scan((process, args) => {
      lines += `${JSON.stringify({ pid: process.pid, start_ticks: process.startTicks, args })}\n`;
    });
    writeSync(1, `{"listing":${count}}\n${lines}`);
    // Sleeps until the next deadline, and skips deadlines that were missed.
    const now = performance.now();
    next = Math.max(next + intervalMs, now);
    if (next > now) Bun.sleepSync(next - now);
  }
}

/** The warm-up has its own scanner, so that the scanner of the measurement finds all processes new. */
function warmUpScanner(detail: ScanDetail): void {
  using scanner = new ProcScanner(detail);
  warmUp(() => scanner.scan(() => {}));
}
