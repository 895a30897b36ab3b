import type { DetailLevel } from "../wire/detail-level.ts";
import {
  DETAIL,
  DETAIL_EVENTS,
  DETAIL_HISTORY,
  DETAIL_PROCESSES,
  DETAIL_SUMMARY,
  DETAIL_SWITCHES,
  MODE_BUFFER,
  MODE_HISTORY,
  MODE_LEVEL,
  MODE_STORMS,
  MODE_SWITCHED,
  MODE_TOTALS,
} from "../wire/layout.gen.ts";

const NUMBER: Record<DetailLevel, number> = {
  events: DETAIL_EVENTS,
  processes: DETAIL_PROCESSES,
  summary: DETAIL_SUMMARY,
};

/** Later than any process starts. */
const NEVER = 2n ** 64n - 1n;
/**
 * A switch applies to processes that start at least this time after it, ns. By then the programs on all CPUs have seen
 * it.
 */
const AHEAD_NS = 20_000_000n;

/** The start time of a process may be this long before its first appearance in a list, ns. */
const SETTLED_NS = 5_000_000_000n;

interface Switch {
  sinceNs: bigint;
  level: DetailLevel;
}

/** The earliest and the latest time at which a process may have started, CLOCK_BOOTTIME. */
export type StartRange = readonly [earliestNs: bigint, latestNs: bigint];

/**
 * Switches the level of detail in memory that the programs read. A switch makes no system call and works without any
 * privilege. A process keeps the level at which it started.
 */
export class DetailSwitch {
  readonly #mode: Uint32Array;
  readonly #memory: ArrayBuffer;
  readonly #nowNs: () => bigint;
  #level: DetailLevel = "events";
  #firstLevel: DetailLevel = "events";
  readonly #switches: Switch[] = [];
  /** Cache for `levels`, which is read at each sample. */
  #levels: ReadonlySet<DetailLevel> = new Set<DetailLevel>(["events"]);
  #addsAll = false;
  #storms = false;
  #buffer: 0 | 1 = 0;
  #history: 0 | 1 = 0;

  /**
   * @param memory struct detail
   * @param nowNs CLOCK_BOOTTIME of the kernel
   */
  constructor(memory: ArrayBuffer, nowNs: () => bigint) {
    this.#memory = memory;
    this.#mode = new Uint32Array(memory, DETAIL.mode, 1);
    this.#nowNs = nowNs;
  }

  /** The level of processes that start now. */
  get level(): DetailLevel {
    return this.#level;
  }

  /** Whether some live processes may have another level than new ones. */
  get isSwitched(): boolean {
    return this.#switches.length > 0;
  }

  /** Levels that live processes may have. */
  get levels(): ReadonlySet<DetailLevel> {
    return this.#levels;
  }

  /** The level of a process, by the CLOCK_BOOTTIME of its start. */
  levelOf(startNs: bigint): DetailLevel {
    if (this.#switches.length === 0) return this.#level;
    return this.#switches.findLast(({ sinceNs }) => startNs >= sinceNs)?.level ?? this.#firstLevel;
  }

  /** Sets the level of all processes. Call it before any program is attached. */
  begin(level: DetailLevel): void {
    this.#level = level;
    this.#firstLevel = level;
    this.#switches.length = 0;
    this.#noteLevels();
    this.#writeMode();
  }

  /** Sets the level of processes that start from now on. */
  set(level: DetailLevel): void {
    if (level === this.#level) return;
    this.#level = level;
    this.#switches.push({ sinceNs: this.#nowNs() + AHEAD_NS, level });
    // Processes that started before the oldest remaining switch get the level of the dropped switch.
    if (this.#switches.length > DETAIL_SWITCHES) this.#firstLevel = this.#switches.shift()?.level ?? this.#firstLevel;
    this.#writeSwitches();
  }

  /**
   * Drops each period between two switches in which no live process started.
   * @param listedNs when the list of live processes was begun, CLOCK_BOOTTIME
   * @param starts start range of each live process
   * @returns whether a switch was dropped
   */
  forget(listedNs: bigint, starts: Iterable<StartRange>): boolean {
    const switches = this.#switches;
    const before = switches.length;
    // The period at each index ends with the switch at that index. The last period has no end.
    const isUsed = switches.map(({ sinceNs }) => sinceNs > listedNs - SETTLED_NS);
    const spanOf = (startNs: bigint) => switches.findLastIndex(({ sinceNs }) => startNs >= sinceNs) + 1;
    for (const [earliestNs, latestNs] of starts) isUsed.fill(true, spanOf(earliestNs), spanOf(latestNs) + 1);
    isUsed[before] = true;
    const [first, ...others] = [{ sinceNs: 0n, level: this.#firstLevel }, ...switches].filter((_, at) => isUsed[at]);
    this.#firstLevel = first?.level ?? this.#level;
    switches.length = 0;
    let level = this.#firstLevel;
    for (const span of others) {
      if (span.level !== level) switches.push(span);
      level = span.level;
    }
    if (switches.length === before) return false;
    this.#writeSwitches();
    return true;
  }

  /** Whether the programs add up processes of all levels, not only of the level `summary`. */
  set addsAll(addsAll: boolean) {
    this.#addsAll = addsAll;
    this.#writeMode();
  }

  /** Whether sources are limited, see `StormLimit`. */
  set storms(storms: boolean) {
    this.#storms = storms;
    this.#writeMode();
  }

  /** Sets which of the two buffers takes the totals from now on. */
  set buffer(buffer: 0 | 1) {
    this.#buffer = buffer;
    this.#writeMode();
  }

  get buffer(): 0 | 1 {
    return this.#buffer;
  }

  #noteLevels(): void {
    this.#levels = new Set([this.#firstLevel, this.#level, ...this.#switches.map(({ level }) => level)]);
  }

  #writeSwitches(): void {
    this.#noteLevels();
    this.#history = this.#history === 0 ? 1 : 0;
    this.#writeHistory();
    this.#writeMode();
  }

  #writeHistory(): void {
    const at = DETAIL.history + this.#history * DETAIL.history_stride;
    const since = new BigUint64Array(this.#memory, at + DETAIL_HISTORY.since_ns, DETAIL_SWITCHES);
    const levels = new Uint32Array(this.#memory, at + DETAIL_HISTORY.level, DETAIL_SWITCHES);
    for (let place = 0; place < DETAIL_SWITCHES; place++) {
      const known = this.#switches[place];
      since[place] = known?.sinceNs ?? NEVER;
      levels[place] = NUMBER[known?.level ?? this.#level];
    }
    new Uint32Array(this.#memory, at + DETAIL_HISTORY.first_level, 1)[0] = NUMBER[this.#firstLevel];
  }

  #writeMode(): void {
    let mode = NUMBER[this.#level] & MODE_LEVEL;
    if (this.#switches.length > 0) mode |= MODE_SWITCHED;
    if (this.#history === 1) mode |= MODE_HISTORY;
    if (this.#addsAll) mode |= MODE_TOTALS;
    if (this.#buffer === 1) mode |= MODE_BUFFER;
    if (this.#storms) mode |= MODE_STORMS;
    Atomics.store(this.#mode, 0, mode);
  }
}
