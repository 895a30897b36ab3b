import { readdirSync, writeSync } from "node:fs";
import { MAX_WALKED_PROCESSES } from "../sampling/walk-limit.ts";
import { NewOfIterator } from "./new-of-iterator.ts";
import { NewProcesses } from "./new-processes.ts";
import { warmUp } from "./warm-up.ts";

/** Scans all processes, and reports those that no earlier scan reported. */
export interface NewProcessLook extends Disposable {
  /**
   * Scans once. Returns the number of all processes.
   *
   * @param each called for each new process, with its pid and its start (CLOCK_BOOTTIME, ns)
   */
  look(each: (pid: number, startNs: bigint) => void): number;
}

/**
 * Scans all processes in the kernel every interval until it is killed. It writes each scan to standard output
 * immediately: a line `+PID START_NS` for each new process, then a line `=N` with the number of processes. It sleeps
 * without an event loop, which costs less than a timer.
 *
 * @throws LinnixError if this kernel has no task iterator that we may use
 */
export function runTaskIterator(intervalMs: number): never {
  using processes = warmUpLook()();
  let lines = "";
  const add = (pid: number, startNs: bigint): void => {
    lines += `+${pid} ${startNs}\n`;
  };
  let next = performance.now();
  while (true) {
    const count = processes.look(add);
    writeSync(1, `${lines}=${count}\n`);
    lines = "";
    // Sleeps until the next deadline, and skips deadlines that were missed.
    const now = performance.now();
    next = Math.max(next + intervalMs, now);
    if (next > now) Bun.sleepSync(next - now);
  }
}

/**
 * Chooses the cheapest scan of this kernel and warms it up. Since 6.7 a BPF program walks the list itself; since 5.8
 * the kernel calls a BPF program for each task. The warm-up has its own instance, so that the instance of the
 * measurement finds all processes new.
 */
function warmUpLook(): () => NewProcessLook {
  const walk = (): NewProcessLook => new NewProcesses();
  const iterate = (): NewProcessLook => new NewOfIterator();
  if (readdirSync("/proc").length <= MAX_WALKED_PROCESSES) {
    try {
      return warmedUp(walk);
    } catch {
      // The program cannot be loaded, or the kernel has no task storage for it.
    }
  }
  return warmedUp(iterate);
}

function warmedUp(open: () => NewProcessLook): () => NewProcessLook {
  using processes = open();
  warmUp(() => processes.look(() => {}));
  return open;
}
