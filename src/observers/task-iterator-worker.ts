import { readdirSync, writeSync } from "node:fs";
import { MAX_WALKED_PROCESSES } from "../sampling/walk-limit.ts";
import { NewOfIterator } from "./new-of-iterator.ts";
import { NewProcesses } from "./new-processes.ts";
import { warmUp } from "./warm-up.ts";

/** Scans all processes, and reports those that no earlier scan has reported. */
export interface NewProcessLook extends Disposable {
  /**
   * Gives how many processes there are in all.
   *
   * @param each given the pid and the start of each new one: CLOCK_BOOTTIME, ns
   */
  look(each: (pid: number, startNs: bigint) => void): number;
}

/**
 * Looks at all processes from within the kernel every interval until it is killed. It writes each look to standard
 * output immediately: a line `+PID START_NS` for each new process, then a line `=N` with the number of processes. It
 * sleeps without an event loop, which costs less than a timer.
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
 * The cheapest method of this kernel: since 6.7 a program walks the list itself, since 5.8 the kernel calls it for each
 * task. A separate instance does the warm-up, so that all processes are new to the one that counts.
 */
function warmUpLook(): () => NewProcessLook {
  const walk = (): NewProcessLook => new NewProcesses();
  const iterate = (): NewProcessLook => new NewOfIterator();
  if (readdirSync("/proc").length <= MAX_WALKED_PROCESSES) {
    try {
      return warmedUp(walk);
    } catch {
      // The program cannot be loaded, or has nowhere to keep what it knows.
    }
  }
  return warmedUp(iterate);
}

function warmedUp(open: () => NewProcessLook): () => NewProcessLook {
  using processes = open();
  warmUp(() => processes.look(() => {}));
  return open;
}
