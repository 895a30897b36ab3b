import type { ScanDetail } from "../procfs/proc-scanner.ts";
import { NS_PER_CLOCK_TICK, startNsOf } from "../procfs/proc-stat.ts";
import { defineObserver } from "./define.ts";
import type { ObserverContext, RunningObserver, Sighting, Tally } from "./observer.ts";
import { startTool } from "./tool-observer.ts";
import { WORKER_ENV, workerCommand } from "./worker-command.ts";

const TICK_NS = BigInt(NS_PER_CLOCK_TICK);

/** Reads the output of the worker, see `runProcScan`. */
export function* parseProcScan(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  for (const line of lines) {
    const entry = parseEntry(line);
    if (entry === null) {
      tally.unparsed += 1;
    } else if ("listing" in entry) {
      tally.listings += 1;
    } else {
      tally.records += 1;
      yield entry;
    }
  }
}

function parseEntry(line: string): Sighting | { listing: number } | null {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    // The last line is incomplete if the worker was killed while it wrote it.
    return null;
  }
  if (typeof entry !== "object" || entry === null) return null;
  if ("listing" in entry && typeof entry.listing === "number") return { listing: entry.listing };
  if (!("pid" in entry && "start_ticks" in entry && "args" in entry)) return null;
  const { pid, start_ticks: startTicks, args } = entry;
  if (typeof pid !== "number" || typeof startTicks !== "number" || !Array.isArray(args)) return null;
  const startNs = BigInt(startNsOf(startTicks));
  return { pid, what: "listed", args: args.map(String), startNs, startGridNs: TICK_NS };
}

async function startScan(name: string, detail: ScanDetail, context: ObserverContext): Promise<RunningObserver> {
  const command = workerCommand(context);
  return startTool(context, {
    name,
    argv: () => [...command, "proc-scan", String(context.intervalMs), detail],
    env: WORKER_ENV,
    stopSignal: "SIGTERM",
    ready: (tool) => tool.outputBytes() > 0,
    parse: parseProcScan,
    intervalMs: context.intervalMs,
  });
}

function version(): string {
  return `Bun ${Bun.version}`;
}

/** An efficient scan of /proc every interval: CPU time and memory of all processes, arguments of new ones. */
export const procScan = defineObserver({
  name: "proc-scan",
  summary: "linnix's own scan of /proc: it keeps files open and starts no program; at the interval, 100 ms and 10 ms",
  shorterMs: [100, 10],
  grows: true,
  kind: "polling",
  reports: ["args"],
  version,
  start: (context) => startScan("proc-scan", "all", context),
});

/**
 * Reads only the list of pids every interval, and the files of new processes. This is the cheapest polling of /proc.
 */
export const procList = defineObserver({
  name: "proc-list",
  summary: "reads the list of pids, and the files of new processes only; runs only if `--methods` names it",
  shorterMs: [100, 10],
  onlyByName: true,
  kind: "polling",
  reports: [],
  version,
  start: (context) => startScan("proc-list", "new", context),
});
