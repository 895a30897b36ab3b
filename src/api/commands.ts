import type { EventView } from "../process/event-view.ts";
import { BusyClock } from "../procfs/machine-time.ts";
import { boottimeNs } from "../sys/clock.ts";
import { CommTexts } from "../totals/comm-texts.ts";
import { ByName, isEnd, startOfEnded } from "../totals/ended.ts";
import { addLife, addLives, type LifeSums, noLives } from "../totals/lives.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import type { CountedType } from "../wire/event.ts";
import { EVENT_EXEC, EVENT_FORK, PROCESS_EVENT } from "../wire/layout.gen.ts";
import type * as answers from "./answers.ts";
import { rounded } from "./rounded.ts";

/** The longest window that a client can request, ns. Counting also continues for this time after the last request. */
export const MAX_WINDOW_NS = 600e9;
/** A window is made of slices of this length. */
const SLICE_NS = 5e9;
/** More slices than the longest window has. */
const SLICES = 128;
/** Maximum number of sums in all slices together, about 130 bytes each. If there are more, old slices are dropped. */
const MAX_SUMS = 10_000;
/** A percentage over less time than this means nothing, ns. */
const LEAST_NS = 100e6;

/** Which events are reported. How often other events happen is unknown. */
export interface Reported {
  /** The level of detail of processes that start now. */
  detail: DetailLevel;
  types: readonly CountedType[];
}

export interface CommandsClock {
  /** CLOCK_BOOTTIME, which events use too, ns. */
  nowNs(): number;
  /** CPU time that the machine has used since the first call, ns; null if unknown. */
  busyNs(): number | null;
}

/** Counts of one name in one slice. */
interface Sums {
  started: number;
  execs: number;
  ended: number;
  /** Processes that started in this slice and have ended since. */
  shortLived: LifeSums;
}

class Slice {
  readonly byName = new ByName<Sums>(noSums);
  /** The machine's CPU time at the start of this slice or soon after. */
  busy: { ns: number; busyNs: number | null } | undefined;

  constructor(readonly index: number) {}
}

function commandsClock(): CommandsClock {
  const busy = new BusyClock();
  return { nowNs: boottimeNs, busyNs: () => busy.read() };
}

/**
 * Counts recent starts and ends by command, from events that linnix collects anyway. Counting starts with the first
 * request and stops when there was no request for {@link MAX_WINDOW_NS}. While it is off, an event costs one
 * comparison. CPU time and memory of an ended process are in the slice of its start. So the sums of the slices of a
 * window are only of processes that started and ended within it.
 */
export class RecentCommands {
  readonly #clock: CommandsClock;
  readonly #slices: (Slice | undefined)[] = [];
  /** When counting started, or the start of the oldest slice that is kept; undefined while counting is off. */
  #sinceNs: number | undefined;
  #askedNs = 0;
  /** Undefined while counting is off. */
  #texts: CommTexts | undefined;
  #newest = 0;
  #sums = 0;
  #detail: DetailLevel = "events";

  constructor(clock: CommandsClock = commandsClock()) {
    this.#clock = clock;
  }

  /** Counts one event. The view is invalid after the call. */
  event(view: EventView): void {
    if (this.#sinceNs !== undefined) this.#count(view);
  }

  /** To be called after each drain of the rings. */
  tick(detail: DetailLevel): void {
    if (this.#sinceNs === undefined) return;
    const nowNs = this.#clock.nowNs();
    if (nowNs - this.#askedNs > MAX_WINDOW_NS) this.#clear();
    // Each level reports other events, so sums over two levels would mean nothing.
    else if (detail !== this.#detail) this.#begin(nowNs, detail);
    else if (Math.floor(nowNs / SLICE_NS) > this.#newest) this.#read(nowNs);
  }

  /** The sums of the last `windowNs`, or of the time since counting started if that is shorter. */
  answer(windowNs: number, limit: number, { detail, types }: Reported): answers.Commands {
    const nowNs = this.#clock.nowNs();
    this.#askedNs = nowNs;
    if (this.#sinceNs === undefined || detail !== this.#detail) this.#begin(nowNs, detail);
    else this.#read(nowNs);
    const fromNs = this.#fromNs(nowNs - windowNs);
    const coveredNs = nowNs - fromNs;
    const slices = this.#slicesFrom(fromNs);
    const { all, byName } = added(slices);
    const knows = (type: CountedType) => types.includes(type) && (type === "exit" || detail === "events");
    const figures = figuresOf(coveredNs, this.#busyPct(slices, nowNs), knows);
    const rows = [...byName].sort(([, a], [, b]) => rank(b) - rank(a) || b.ended - a.ended || b.started - a.started);
    return {
      window_s: windowNs / 1e9,
      covered_s: rounded(coveredNs / 1e9, 3),
      matched: rows.length,
      all: figures(all),
      commands: rows.slice(0, limit).map(([comm, sums]) => ({ comm, ...figures(sums) })),
    };
  }

  /** Makes no object, except for a name that is new in its slice. */
  #count(view: EventView): void {
    const { type } = view;
    const isEndOfOne = isEnd(view);
    if (type !== EVENT_FORK && type !== EVENT_EXEC && !isEndOfOne) return;
    const tsNs = view.record.u64(PROCESS_EVENT.ts_ns);
    const comm = (this.#texts as CommTexts).of(view.comm);
    const sums = this.#sumsAt(tsNs, comm);
    if (sums !== undefined) {
      if (type === EVENT_FORK) sums.started++;
      else if (type === EVENT_EXEC) sums.execs++;
      else sums.ended++;
    }
    if (!isEndOfOne) return;
    const startNs = startOfEnded(view);
    const ofStart = startNs === null ? undefined : this.#sumsAt(startNs, comm);
    if (ofStart !== undefined) addLife(ofStart.shortLived, view);
  }

  /** The sums of the name in the slice of that time; undefined if that time is not counted. */
  #sumsAt(ns: number, comm: string): Sums | undefined {
    if (ns < (this.#sinceNs as number)) return undefined;
    const byName = this.#slice(Math.floor(ns / SLICE_NS))?.byName;
    if (byName === undefined) return undefined;
    const { size } = byName.items;
    const sums = byName.of(comm);
    this.#sums += byName.items.size - size;
    return sums;
  }

  /** The slice with that index; undefined if it is no longer kept. */
  #slice(index: number): Slice | undefined {
    const place = index % SLICES;
    const kept = this.#slices[place];
    if (kept !== undefined && kept.index >= index) return kept.index === index ? kept : undefined;
    const slice = new Slice(index);
    if (kept) this.#sums -= kept.byName.items.size;
    this.#slices[place] = slice;
    return slice;
  }

  #begin(nowNs: number, detail: DetailLevel): void {
    this.#clear();
    this.#sinceNs = nowNs;
    this.#texts = new CommTexts();
    this.#detail = detail;
    this.#read(nowNs);
  }

  /**
   * Reads the machine's CPU time once per slice, and drops old slices while there are more than {@link MAX_SUMS} sums.
   */
  #read(nowNs: number): void {
    this.#newest = Math.floor(nowNs / SLICE_NS);
    const slice = this.#slice(this.#newest);
    if (slice && !slice.busy) slice.busy = { ns: nowNs, busyNs: this.#clock.busyNs() };
    for (let oldest = this.#oldest; this.#sums > MAX_SUMS && oldest < this.#newest; oldest++) {
      const place = oldest % SLICES;
      this.#sums -= this.#slices[place]?.byName.items.size ?? 0;
      this.#slices[place] = undefined;
      this.#sinceNs = (oldest + 1) * SLICE_NS;
    }
  }

  get #oldest(): number {
    return Math.max(Math.floor((this.#sinceNs as number) / SLICE_NS), this.#newest - SLICES + 1);
  }

  #fromNs(wantedNs: number): number {
    return Math.max(this.#sinceNs as number, Math.floor(wantedNs / SLICE_NS) * SLICE_NS);
  }

  #slicesFrom(fromNs: number): Slice[] {
    const first = Math.floor(fromNs / SLICE_NS);
    const slices = this.#slices.filter((slice) => slice !== undefined && slice.index >= first) as Slice[];
    return slices.sort((a, b) => a.index - b.index);
  }

  #busyPct(slices: readonly Slice[], nowNs: number): number | null {
    const before = slices.find(({ busy }) => busy !== undefined)?.busy;
    const busyNs = this.#clock.busyNs();
    if (!before || before.busyNs === null || busyNs === null || nowNs - before.ns < LEAST_NS) return null;
    return (100 * Math.max(busyNs - before.busyNs, 0)) / (nowNs - before.ns);
  }

  #clear(): void {
    this.#sinceNs = undefined;
    this.#texts = undefined;
    this.#slices.length = 0;
    this.#sums = 0;
  }
}

function noSums(): Sums {
  return { started: 0, execs: 0, ended: 0, shortLived: noLives() };
}

function add(sums: Sums, more: Sums): void {
  sums.started += more.started;
  sums.execs += more.execs;
  sums.ended += more.ended;
  addLives(sums.shortLived, more.shortLived);
}

function added(slices: readonly Slice[]): { all: Sums; byName: Map<string, Sums> } {
  const all = noSums();
  const byName = new Map<string, Sums>();
  for (const slice of slices) {
    for (const [name, sums] of slice.byName.items) {
      add(all, sums);
      let of = byName.get(name);
      if (!of) {
        of = noSums();
        byName.set(name, of);
      }
      add(of, sums);
    }
  }
  return { all, byName };
}

function rank({ shortLived }: Sums): number {
  return shortLived.cpuNs;
}

function figuresOf(coveredNs: number, busyPct: number | null, knows: (type: CountedType) => boolean) {
  return ({ started, execs, ended, shortLived }: Sums): answers.CommandFigures => {
    const { count, cpuNs, cpuUnknown, peakRssBytes, failed, resultUnknown, lifetimeNs } = shortLived;
    const cpuPct = coveredNs < LEAST_NS ? null : (100 * cpuNs) / coveredNs;
    const isKnown = knows("exit");
    return {
      started: knows("fork") ? started : null,
      execs: knows("exec") ? execs : null,
      ended: isKnown ? ended : null,
      short_lived: isKnown ? count : null,
      failed: !isKnown || (count > 0 && resultUnknown === count) ? null : failed,
      mean_lifetime_s: isKnown && count > 0 ? rounded(lifetimeNs / count / 1e9, 6) : null,
      cpu_ns: isKnown ? Math.round(cpuNs) : null,
      cpu_unknown: isKnown ? cpuUnknown : null,
      cpu_pct: isKnown ? rounded(cpuPct, 3) : null,
      // At most 100: the kernel may count the machine's time in ticks, and the time of processes exactly.
      busy_share_pct:
        isKnown && cpuPct !== null && busyPct ? rounded(Math.min((100 * cpuPct) / busyPct, 100), 3) : null,
      peak_rss_bytes: peakRssBytes,
    };
  };
}
