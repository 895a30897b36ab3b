import { sourceText } from "../../sinks/storm-source-text.ts";
import { COUNTED_TYPES, type CountByType } from "../../wire/event.ts";
import type { StormSource } from "../../wire/storm-source.ts";
import { CaptureCheck } from "../capture.ts";
import type { StormEvents, StormSourceFigures, StormStep } from "./result.ts";

interface StormLine {
  state: "begin" | "end";
  ts_ns: number;
  source: Omit<StormSource, "cgroup_id"> & { cgroup_id: number | null };
  suppressed: CountByType | null;
  exited: Record<string, number | null> | null;
  comms: { comm: string; count: number }[] | null;
}

interface StepLine {
  ts_ns: number;
  step: string;
  level: number;
  reason: string;
  cost_pct: number | null;
}

/** Reads the output of a collector: its `storm` and `degraded` lines, its summary, and the events. */
export class StormOutput {
  readonly check = new CaptureCheck();
  readonly #steps: StepLine[] = [];
  readonly #storms: StormLine[] = [];

  add(line: string): void {
    this.check.add(line);
    if (line.startsWith('{"type":"storm"')) this.#storms.push(JSON.parse(line) as StormLine);
    else if (line.startsWith('{"type":"degraded"')) this.#steps.push(JSON.parse(line) as StepLine);
  }

  /** @param fromNs the begin of the storm, CLOCK_BOOTTIME, ns */
  steps(fromNs: number): StormStep[] {
    return this.#steps.map(({ ts_ns, step, level, reason, cost_pct }) => {
      return { at_s: (ts_ns - fromNs) / 1e9, step, level, reason, cost_pct };
    });
  }

  /** @param ourCgroup id of the storm's cgroup */
  sources(fromNs: number, ourCgroup: number): StormSourceFigures[] {
    const sources = new Map<string, StormSourceFigures>();
    for (const { source, ts_ns, suppressed, exited, comms } of this.#storms) {
      const key = JSON.stringify([source.kind, source.pid, source.start_ns, source.cgroup_id, source.uid]);
      const figures = sources.get(key) ?? {
        name: sourceText({ ...source, cgroup_id: source.cgroup_id === null ? null : BigInt(source.cgroup_id) }),
        is_ours: source.cgroup_id === ourCgroup,
        began_s: (ts_ns - fromNs) / 1e9,
        suppressed: noCounts(),
        exited: {},
        comms: [],
      };
      sources.set(key, figures);
      // If a storm of a source ends and begins again, each end has a line.
      figures.suppressed = addCounts(figures.suppressed, suppressed ?? noCounts());
      addResults(figures.exited, exited ?? {});
      addComms(figures.comms, comms ?? []);
    }
    return [...sources.values()].sort((a, b) => total(b.suppressed) - total(a.suppressed));
  }

  /** Null if the collector did not write its summary. */
  get events(): StormEvents | null {
    const summary = this.check.summary as unknown as StormEvents | null;
    if (summary === null) return null;
    const { seen, filtered, suppressed, folded, emitted, received, lost, lost_by_type, lost_by_reason } = summary;
    return { seen, filtered, suppressed, folded, emitted, received, lost, lost_by_type, lost_by_reason };
  }
}

/** Adds the exits of a line, by result. */
export function addResults(to: Record<string, number>, from: Readonly<Record<string, number | null>>): void {
  for (const [result, count] of Object.entries(from)) to[result] = (to[result] ?? 0) + (count ?? 0);
}

function addComms(to: { comm: string; count: number }[], from: readonly { comm: string; count: number }[]): void {
  for (const { comm, count } of from) {
    const known = to.find((each) => each.comm === comm);
    if (known) known.count += count;
    else to.push({ comm, count });
  }
  to.sort((a, b) => b.count - a.count);
}

export function noCounts(): CountByType {
  return { fork: 0, exec: 0, exit: 0 };
}

export function addCounts(a: CountByType, b: CountByType): CountByType {
  return { fork: a.fork + b.fork, exec: a.exec + b.exec, exit: a.exit + b.exit };
}

export function total(counts: CountByType): number {
  return COUNTED_TYPES.reduce((sum, type) => sum + counts[type], 0);
}
