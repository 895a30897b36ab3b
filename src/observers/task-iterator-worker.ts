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
 * Looks at all processes from within the kernel every interval until it is killed. Each look is written to standard
 * output at once: a line `=N` with the number of processes, and before it a line `+PID START_NS` for each one that is
 * new. It sleeps without an event loop, which costs less than a timer.
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
    // From deadline to deadline; those that were missed are not made up for.
    const now = performance.now();
    next = Math.max(next + intervalMs, now);
    if (next > now) Bun.sleepSync(next - now);
  }
}

/**
 * The cheapest way that this kernel offers: since 6.7 a program walks by itself, since 5.8 it is asked for each task.
 * Warmed up with one of its own, so that the one that counts finds everything new.
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
