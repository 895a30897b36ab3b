import type { Backend } from "../probes/backend.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import type { StormEvent } from "../wire/event.ts";
import type { LevelControl } from "./level-control.ts";
import { type KnownProcess, StormReports } from "./storm-reports.ts";
import type { TableRefresh } from "./table-refresh.ts";

/** The table is held against what runs after a storm, but not more often than this, ns. */
const AFTER_STORM_NS = 5e9;
/** Of a ring: beyond the watermark of one half, so that a ring that is read in time is not filling up. */
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

/** Limits the sources of events, reports their storms, and keeps the table right although a storm is only counted. */
export class StormWatch {
  readonly #parts: StormWatchParts;
  readonly #reports: StormReports;
  /** There was a storm since the table was last held against what runs. */
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
   * Sets the storm rate: the events of a source with more events a second are counted instead of sent; 0: no limit.
   * No system call.
   * @param followsRings whether sources are limited to 1,000 while a ring fills up
   */
  setRate(rate: number, followsRings: boolean): void {
    const limit = this.#parts.backend.stormLimit;
    limit.ringShare = followsRings ? this.#parts.ringBytes * FILLING_SHARE : 0;
    limit.rate = rate;
  }

  /**
   * To be called at each flush. The end of a process that was counted only is not lost. After a storm the table is held
   * against what runs, so that it shows what the storm left behind and nothing that is gone.
   * @param isHeldUp the rings hold events that cannot be processed yet
   */
  tick(isHeldUp: boolean): void {
    const { table, refresh, levels, checkImages } = this.#parts;
    this.#reports.tick();
    if (this.active > 0) {
      this.#hasStormed = true;
      table.exitsHeldBack = true;
      return;
    }
    // Storms may come one after the other: each look costs milliseconds.
    if (!this.#hasStormed || isHeldUp || refresh.ageNs < AFTER_STORM_NS) return;
    this.#hasStormed = false;
    refresh.scan();
    refresh.readUnknownImages();
    checkImages();
    levels.expectExits();
  }

  /** Reports the end of all storms: nothing is counted any more. */
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
