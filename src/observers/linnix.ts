import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseBackend } from "../probes/backend.ts";
import { pidNamespace } from "../procfs/pid-namespace.ts";
import { versionText } from "../version.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { TotalsEvent } from "../wire/event.ts";
import { selfCommand } from "../workload/self-command.ts";
import { tryCollector } from "../workload/trial.ts";
import { defineObserver, needInitialPidNamespace } from "./define.ts";
import type { ObserverContext, Sighting, SightingKind, Tally, Unavailable } from "./observer.ts";
import { type OutputParser, startTool } from "./tool-observer.ts";

/** The kind of sighting for each event type. A `process` event is written when its process has ended. */
const KINDS: ReadonlyMap<unknown, SightingKind> = new Map([
  ["fork", "fork"],
  ["exec", "exec"],
  ["exit", "exit"],
  ["process", "exit"],
]);

/** Writes an empty settings file. linnix then uses its defaults instead of the settings of this machine. */
function emptySettings(folder: string): string {
  const path = join(folder, "settings.toml");
  writeFileSync(path, "", { mode: 0o600, flag: "wx" });
  return path;
}

/**
 * Reads the JSON lines of `linnix collect`: each event names its process by pid and exact start.
 * @param pidField the field with the pid in this pid namespace. Processes of other namespaces can have the same number;
 * the start time distinguishes them
 */
export function* parseLinnix(
  lines: Iterable<string>,
  tally: Tally,
  pidField: "pid" | "ns_pid" = pidNamespace().isInitial ? "pid" : "ns_pid",
): Generator<Sighting> {
  for (const line of lines) {
    let event: { type?: unknown; pid?: unknown; ns_pid?: unknown; lost?: unknown };
    try {
      event = JSON.parse(line);
    } catch {
      tally.unparsed += 1;
      continue;
    }
    if (event.type === "summary") {
      if (typeof event.lost === "number") tally.lost += event.lost;
      continue;
    }
    const what = KINDS.get(event.type);
    if (what !== undefined && typeof event.pid === "number") {
      tally.records += 1;
      // The start is read from the text, because numbers of the parsed object are exact only up to 2^53. This cannot
      // match inside a string, where JSON escapes quotes.
      const startNs = /"start_ns":(\d+)/.exec(line)?.[1];
      const pid = event[pidField];
      if (typeof pid !== "number") continue;
      yield {
        pid,
        what,
        ...(startNs !== undefined && { startNs: BigInt(startNs) }),
      };
    }
  }
}

/**
 * Reads the totals of `linnix collect --detail summary`: how many processes of each name executed something and ended.
 */
export function* parseTotals(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  const sums = new Map<string, { execs: number; exits: number; untilNs: bigint }[]>();
  for (const line of lines) {
    let event: Partial<Omit<TotalsEvent, "type">> & { type?: unknown; lost?: unknown };
    try {
      event = JSON.parse(line);
    } catch {
      tally.unparsed += 1;
      continue;
    }
    if (event.type === "summary" && typeof event.lost === "number") tally.lost += event.lost;
    const { type, comm = "", execs = 0, exited } = event;
    if (type !== "totals" || !exited) continue;
    tally.records += 1;
    const exits = (exited.ok ?? 0) + (exited.error ?? 0) + (exited.signal ?? 0) + exited.unknown;
    const untilNs = BigInt(/"to_ns":(\d+)/.exec(line)?.[1] ?? 0);
    sums.set(comm, [...(sums.get(comm) ?? []), { execs, exits, untilNs }]);
  }
  // A process can end in a later interval than the interval of its exec. A name counts only as many processes as it has
  // both execs and exits, from the latest interval backwards.
  for (const [comm, parts] of sums) {
    let exits = parts.reduce((all, part) => all + part.exits, 0);
    for (const { execs, untilNs } of parts.toReversed()) {
      const count = Math.min(execs, exits);
      exits -= count;
      if (count > 0) yield { pid: 0, what: "exec", sum: { comm, count, untilNs } };
    }
  }
}

/** Why no collector can run here, with the collector's own message; null if one can run. */
async function needCollector(): Promise<Unavailable | null> {
  const error = await tryCollector([]);
  if (error === null) return null;
  const reason = [error.what, error.why].filter(Boolean).join(": ");
  return { ok: false, reason, hint: error.hint ?? "linnix doctor checks what this machine supports" };
}

async function objection(): Promise<Unavailable | null> {
  // The tracepoint backend reports only host pids.
  const isBtf = chooseBackend("auto") === "btf";
  return (isBtf ? null : needInitialPidNamespace("events of the tracepoint backend have host pids")) ?? needCollector();
}

/** `linnix collect` with default settings, except the level of detail and that it suppresses no events. */
function startCollect(context: ObserverContext, folder: string, detail: DetailLevel, parse: OutputParser) {
  const outputPath = (at: string): string => join(at, "events.jsonl");
  return startTool(context, {
    name: folder,
    argv: (at) => {
      const words = [
        "--config",
        emptySettings(at),
        "--format",
        "jsonl",
        "--output",
        outputPath(at),
        "--detail",
        detail,
        // linnix must see every event here, whatever it costs.
        "--storm-rate",
        "0",
      ];
      return selfCommand("collect", ...words);
    },
    stopSignal: "SIGTERM",
    ready: (tool) => readFileSync(tool.errorPath, "latin1").includes("watching by "),
    parse,
    intervalMs: null,
    outputPath,
  });
}

/** The facts that are the same at each level of detail. */
const COLLECT = {
  needs: { root: "linnix collect", bpf: true },
  version: versionText,
  grows: true,
  kind: "events",
  inKernel: "bpf",
} as const;

/** Totals by cgroup and name instead of events. They capture as many processes of a name as they count. */
export const linnixSummary = defineObserver({
  name: "linnix --detail summary",
  summary: "`linnix collect --detail summary`, JSON lines to a file; compared by its counts",
  ...COLLECT,
  objection: needCollector,
  reports: ["fork", "exec", "exit", "status", "cpu"],
  start: (context) => startCollect(context, "linnix-summary", "summary", parseTotals),
});

/** One line per process, written at its end, with the arguments of its last exec. */
export const linnixProcesses = defineObserver({
  name: "linnix --detail processes",
  summary: "`linnix collect --detail processes`, JSON lines to a file",
  ...COLLECT,
  objection,
  reports: ["exit", "args", "status", "cpu"],
  start: (context) => startCollect(context, "linnix-processes", "processes", parseLinnix),
});

/** `linnix collect` with usual options: every event, whole arguments, JSON lines to a file. */
export const linnix = defineObserver({
  name: "linnix",
  summary: "`linnix collect`, default settings without a storm limit, JSON lines to a file",
  ...COLLECT,
  objection,
  reports: ["fork", "exec", "exit", "args", "status", "cpu"],
  start: (context) => startCollect(context, "linnix", "events", parseLinnix),
});
