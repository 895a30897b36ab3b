import { release } from "node:os";
import { defineObserver } from "./define.ts";
import type { Sighting, Tally } from "./observer.ts";
import { startTool } from "./tool-observer.ts";
import { WORKER_ENV, workerCommand } from "./worker-command.ts";

const LISTING = /^=\d+$/;
const PROCESS = /^\+(\d+) (\d+)$/;

/** Reads the output of the worker, see `runTaskIterator`. */
export function* parseTaskIterator(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  for (const line of lines) {
    const [, pid, startNs] = PROCESS.exec(line) ?? [];
    if (pid !== undefined && startNs !== undefined) {
      tally.records += 1;
      yield { pid: Number(pid), what: "listed", startNs: BigInt(startNs) };
    } else if (LISTING.test(line)) {
      tally.listings += 1;
    } else {
      // The last line is incomplete if the worker was killed while it wrote it.
      tally.unparsed += 1;
    }
  }
}

/**
 * Walks the kernel's list of processes every interval, without opening a file per process. Reports pid and exact start.
 */
export const taskIterator = defineObserver({
  name: "task-iterator",
  summary: "a BPF program walks the kernel's list of processes and reports new ones; at the interval, 100 ms and 10 ms",
  needs: { root: "the BPF task iterator", bpf: true, checks: ["task-iterator"] },
  version: () => `Linux ${release()}`,
  shorterMs: [100, 10],
  grows: true,
  kind: "polling",
  // The program runs inside the worker's own system calls, so the worker's CPU time includes it.
  reports: [],
  start: (context) => {
    const command = workerCommand(context);
    return startTool(context, {
      name: "task-iterator",
      argv: () => [...command, "task-iterator", String(context.intervalMs)],
      env: WORKER_ENV,
      stopSignal: "SIGTERM",
      ready: (tool) => tool.outputBytes() > 0,
      parse: parseTaskIterator,
      intervalMs: context.intervalMs,
    });
  },
});
