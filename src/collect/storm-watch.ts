import type { Backend } from "../probes/backend.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import type { StormEvent } from "../wire/event.ts";
import type { LevelControl } from "./level-control.ts";
import { type KnownProcess, StormReports } from "./storm-reports.ts";
import type { TableRefresh } from "./table-refresh.ts";

/** After a storm the table is compared with the live processes, but not more often than this, ns. */
const AFTER_STORM_NS = 5e9;
/**
 * The share of a ring above which it counts as filling up. It is above the watermark of one half, so that it is not
 * reached by a ring that is read in time.
 */
const FILLING_SHARE = 5 / 8;

export interface StormWatchParts {
  backend: Backend;
  table: ProcessTable;
  levels: Pick<LevelControl, "expectExits">;
  refresh: TableRefresh;
  ringBytes: number;
  /** Path of a cgroup; null: not known. */
  cgroupPath(cgroupId: bigint): string | null;
  /** Reads the programs of processes whose execs were missed. */
  checkImages(): void;
  take(event: StormEvent): void;
}

/**
 * Limits the sources of events, reports their storms, and corrects the table, because no records report the processes
 * of a storm.
 */
export class StormWatch {
  readonly #parts: StormWatchParts;
  readonly #reports: StormReports;
  /** Whether there was a storm since the table was last compared with the live processes. */
  #hasStormed = false;

  constructor(parts: StormWatchParts) {
    const { backend, cgroupPath, take } = parts;
    this.#parts = parts;
    this.#reports = new StormReports({
      places: backend.stormPlaces,
      isOn: () => backend.stormLimit.rate > 0,
      cgroupPath,
      processOf: (pid, startNs) => this.#knownProcess(pid, startNs),
      take,
    });
  }

  /** Storms so far. */
  get begun(): number {
    return this.#reports.begun;
  }

  /** Storms now. */
  get active(): number {
    return this.#reports.active;
  }

  /**
   * Sets the storm rate. If a source has more events per second, the kernel side counts them instead of sending them;
   * 0: no limit. Makes no system call.
   * @param followsRings whether sources are limited to 1,000 events per second while a ring fills up
   */
  setRate(rate: number, followsRings: boolean): void {
    const limit = this.#parts.backend.stormLimit;
    limit.ringShare = followsRings ? this.#parts.ringBytes * FILLING_SHARE : 0;
    limit.rate = rate;
  }

  /**
   * To be called at each flush. During a storm, an exit without an event is not a lost exit. After a storm this
   * compares the table with the live processes. Then the table has all processes that the storm left behind, and none
   * that has ended.
   * @param isHeldUp whether the rings contain events that cannot be processed yet
   */
  tick(isHeldUp: boolean): void {
    const { table, refresh, levels, checkImages } = this.#parts;
    this.#reports.tick();
    if (this.active > 0) {
      this.#hasStormed = true;
      table.exitsHeldBack = true;
      return;
    }
    // This does not run after each storm, because storms may follow each other quickly, and each comparison takes
    // milliseconds.
    if (!this.#hasStormed || isHeldUp || refresh.ageNs < AFTER_STORM_NS) return;
    this.#hasStormed = false;
    refresh.scan();
    refresh.readUnknownImages();
    checkImages();
    levels.expectExits();
  }

  /** Reports the end of all storms. Call it when the kernel side does not count events any more. */
  finish(): void {
    this.#reports.finish();
  }

  #knownProcess(pid: number, startNs: bigint): KnownProcess | undefined {
    const { table } = this.#parts;
    const slot = table.find(pid);
    if (slot === NO_SLOT || (startNs !== 0n && table.startNs(slot) !== startNs)) return undefined;
    return { comm: table.comm(slot), cgroupId: table.cgroupId(slot), uid: table.uid(slot) };
  }
}
