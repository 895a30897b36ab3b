import { writeSync } from "node:fs";
import { ProcScanner, type ScanDetail } from "../procfs/proc-scanner.ts";
import { warmUp } from "./warm-up.ts";

/**
 * Scans /proc every interval until it is killed. Each scan is written to standard output at once, as lines of JSON:
 * `{"listing":N}` with the number of processes, then `{"pid":…,"start_ticks":…,"args":[…]}` for each one that is new
 * or has another image. It sleeps without an event loop, which costs less than a timer.
 */
export function runProcScan(intervalMs: number, detail: ScanDetail): never {
  warmUpScanner(detail);
  using scanner = new ProcScanner(detail);
  let next = performance.now();
  while (true) {
    let lines = "";
    const count = scanner.scan((process, args) => {
      lines += `${JSON.stringify({ pid: process.pid, start_ticks: process.startTicks, args })}\n`;
    });
    writeSync(1, `{"listing":${count}}\n${lines}`);
    // From deadline to deadline; those that were missed are not made up for.
    const now = performance.now();
    next = Math.max(next + intervalMs, now);
    if (next > now) Bun.sleepSync(next - now);
  }
}

/** With a scanner of its own, so that the one that counts finds everything new. */
function warmUpScanner(detail: ScanDetail): void {
  using scanner = new ProcScanner(detail);
  warmUp(() => scanner.scan(() => {}));
}
