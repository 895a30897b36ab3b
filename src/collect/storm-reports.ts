import { log } from "../config/log.ts";
import { formatDurationMs } from "../config/units.ts";
import { textOf } from "../json/text.ts";
import { WallClock } from "../json/wall-clock.ts";
import type { StormCounts, StormPlaces, StormSource } from "../probes/storm-places.ts";
import { sourceText } from "../sinks/storm-source-text.ts";
import { exactBoottimeNs, realtimeOffsetNs } from "../sys/clock.ts";
import type { StormEvent } from "../wire/event.ts";

/** A source of the kind `process`, as the process table has it. */
export interface KnownProcess {
  /** The name as text; null if unknown. */
  comm: string | null;
  cgroupId: bigint | undefined;
  uid: number;
}

export interface StormReportsParts {
  places: StormPlaces;
  /** Whether the kernel side limits sources at the moment. */
  isOn(): boolean;
  /** Path of a cgroup; null: not known. */
  cgroupPath(cgroupId: bigint): string | null;
  /** What user space knows about a process; undefined: nothing. */
  processOf(pid: number, startNs: bigint): KnownProcess | undefined;
  take(event: StormEvent): void;
  /** CLOCK_BOOTTIME of the kernel, ns. */
  nowNs?: () => bigint;
}

/** Maximum number of names in the event at the end of a storm. */
const MOST_COMMS = 10;
/**
 * How long after its end a storm keeps its place, ns. A BPF program that found the place before the end may still add
 * to it.
 */
const GRACE_NS = 500_000_000n;
/** The shortest time between two lines of the log about storms. Events report every storm. */
const LOG_EVERY_NS = 10_000_000_000n;

interface Active {
  source: StormSource;
  sinceNs: bigint;
  untilNs: bigint;
  /** Places of the kernel side that count for the storm. There are two if two CPUs began it at the same time. */
  places: Set<number>;
  /** The counts of places that were freed. */
  counts: StormCounts[];
  isReported: boolean;
}

/** Reports when the events of a source begin to be counted instead of sent, and when they are sent again. */
export class StormReports {
  readonly #parts: StormReportsParts;
  readonly #nowNs: () => bigint;
  readonly #active = new Map<string, Active>();
  #begun = 0;
  #ended = 0;
  #loggedNs = -LOG_EVERY_NS;
  #unlogged = 0;

  constructor(parts: StormReportsParts) {
    this.#parts = parts;
    this.#nowNs = parts.nowNs ?? exactBoottimeNs;
  }

  /** Storms that were reported so far. */
  get begun(): number {
    return this.#begun;
  }

  get active(): number {
    return this.#begun - this.#ended;
  }

  /** To be called at each flush. */
  tick(): void {
    if (!this.#parts.isOn() && this.#active.size === 0) return;
    const nowNs = this.#nowNs();
    this.#look(nowNs, (untilNs) => nowNs > untilNs + GRACE_NS);
  }

  /** Reports the end of all storms. Call it when the kernel side does not count events any more. */
  finish(): void {
    this.#look(this.#nowNs(), () => true);
  }

  #look(nowNs: bigint, isOver: (untilNs: bigint) => boolean): void {
    const { places } = this.#parts;
    for (const place of places.taken()) {
      const storm = this.#stormAt(place);
      storm.untilNs = max(storm.untilNs, places.untilNs(place));
      if (!storm.isReported && sum(places.suppressed(place)) > 0) this.#begin(storm);
      if (!isOver(places.untilNs(place))) continue;
      storm.counts.push(places.counts(place));
      storm.places.delete(place);
      places.free(place);
    }
    for (const [key, storm] of this.#active) {
      if (storm.places.size > 0) continue;
      this.#active.delete(key);
      // The storm ended at `untilNs`. If the run ends before that, the storm ends now.
      if (storm.isReported) this.#end(storm, storm.untilNs < nowNs ? storm.untilNs : nowNs);
    }
  }

  #stormAt(place: number): Active {
    const { places } = this.#parts;
    const source = places.source(place);
    const { kind, isChanging, isCrowd, pid, startNs, cgroupId, uid } = source;
    const id = kind === "process" ? `${pid}/${startNs}` : kind === "cgroup" ? cgroupId : uid;
    const key = `${kind}/${isChanging}/${isCrowd}/${id}`;
    const sinceNs = places.sinceNs(place);
    const known = this.#active.get(key);
    const storm: Active = known ?? {
      source,
      sinceNs,
      untilNs: 0n,
      places: new Set(),
      counts: [],
      isReported: false,
    };
    storm.places.add(place);
    if (!known) this.#active.set(key, storm);
    return storm;
  }

  #begin(storm: Active): void {
    storm.isReported = true;
    this.#begun++;
    const source = this.#sourceOf(storm.source);
    this.#give({
      ...this.#head(),
      state: "begin",
      source,
      suppressed: null,
      exited: null,
      exited_cpu_user_ns: null,
      exited_cpu_system_ns: null,
      comms: null,
      window_ns: null,
    });
    this.#log(`events of ${sourceText(source)} come too fast: they are counted instead of sent`);
  }

  #end(storm: Active, endNs: bigint): void {
    this.#ended++;
    const counts = added(storm.counts);
    const { suppressed, exited, comms } = counts;
    const { ok, error, signal, unknown } = exited;
    const source = this.#sourceOf(storm.source);
    // A backend reports the result of all exits or of none.
    const known = <T>(figure: T): T | null => (unknown > 0 ? null : figure);
    const windowNs = endNs > storm.sinceNs ? endNs - storm.sinceNs : 0n;
    this.#give({
      ...this.#head(),
      state: "end",
      source,
      suppressed,
      exited: { ok: known(ok), error: known(error), signal: known(signal), unknown },
      exited_cpu_user_ns: known(counts.cpuUserNs),
      exited_cpu_system_ns: known(counts.cpuSystemNs),
      comms: mostFrequent(comms),
      window_ns: Number(windowNs),
    });
    const after = formatDurationMs(Math.round(Number(windowNs) / 1e6));
    this.#log(`events of ${sourceText(source)} are sent again: ${sum(suppressed)} were counted in ${after}`);
  }

  #head(): Pick<StormEvent, "type" | "time" | "ts_ns"> {
    const ts_ns = exactBoottimeNs();
    return { type: "storm", time: new WallClock(realtimeOffsetNs()).textAt(ts_ns), ts_ns };
  }

  #give(event: StormEvent): void {
    this.#parts.take(event);
  }

  #sourceOf(source: StormSource): StormEvent["source"] {
    const { kind, pid, startNs, comm } = source;
    const isProcess = kind === "process";
    const isWhole = comm !== "" && source.uid !== null && source.cgroupId !== 0n;
    const known = isProcess && !isWhole ? this.#parts.processOf(pid, startNs) : undefined;
    const cgroupId = source.cgroupId === 0n ? (known?.cgroupId ?? 0n) : source.cgroupId;
    const hasCgroup = kind !== "uid" && cgroupId !== 0n;
    const name = comm === "" ? (known?.comm ?? null) : textOf(Buffer.from(comm, "latin1"));
    return {
      kind,
      pid: isProcess ? pid : null,
      start_ns: isProcess && startNs !== 0n ? startNs : null,
      cgroup_id: hasCgroup ? cgroupId : null,
      cgroup: hasCgroup ? this.#parts.cgroupPath(cgroupId) : null,
      uid: kind === "cgroup" ? null : (source.uid ?? known?.uid ?? null),
      comm: isProcess ? name : null,
    };
  }

  #log(line: string): void {
    const nowNs = this.#nowNs();
    if (nowNs - this.#loggedNs < LOG_EVERY_NS) {
      this.#unlogged++;
      return;
    }
    const more = this.#unlogged > 0 ? ` (${this.#unlogged} more such changes since the last line)` : "";
    this.#loggedNs = nowNs;
    this.#unlogged = 0;
    log.warn(`${line}${more}`);
  }
}

function mostFrequent(comms: ReadonlyMap<string, number>): { comm: string; count: number }[] {
  const named = [...comms].filter(([comm]) => comm !== "");
  named.sort(([, a], [, b]) => b - a);
  return named.slice(0, MOST_COMMS).map(([comm, count]) => ({ comm: textOf(Buffer.from(comm, "latin1")), count }));
}

function added(all: readonly StormCounts[]): StormCounts {
  const total: StormCounts = {
    suppressed: { fork: 0, exec: 0, exit: 0 },
    exited: { ok: 0, error: 0, signal: 0, unknown: 0 },
    cpuUserNs: 0,
    cpuSystemNs: 0,
    comms: new Map(),
  };
  for (const { suppressed, exited, cpuUserNs, cpuSystemNs, comms } of all) {
    for (const type of ["fork", "exec", "exit"] as const) total.suppressed[type] += suppressed[type];
    for (const result of ["ok", "error", "signal", "unknown"] as const) total.exited[result] += exited[result];
    total.cpuUserNs += cpuUserNs;
    total.cpuSystemNs += cpuSystemNs;
    for (const [comm, count] of comms) total.comms.set(comm, (total.comms.get(comm) ?? 0) + count);
  }
  return total;
}

function sum({ fork, exec, exit }: { fork: number; exec: number; exit: number }): number {
  return fork + exec + exit;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
