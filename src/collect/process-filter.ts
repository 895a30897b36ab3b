import type { FiltersSettings } from "../config/sections/filters.ts";
import type { Backend } from "../probes/backend.ts";
import type { EventView } from "../process/event-view.ts";
import type { ProcessTable } from "../process/table.ts";
import { SampleFilter } from "../sampling/sample-filter.ts";
import { EVENT_EXIT, EVENT_FORK, EVENT_PROCESS } from "../wire/layout.gen.ts";
import type { MapRoom } from "./map-room.ts";
import type { Reconciler } from "./reconciler.ts";
import type { WatchedProcesses } from "./watched-processes.ts";

export interface ProcessFilterParts {
  /** The filters of the run, with the kernel's pids. */
  filters: FiltersSettings;
  table: ProcessTable;
  watched: WatchedProcesses;
  backend: Pick<Backend, "trackPid" | "untrackPid">;
  mapRoom: Pick<MapRoom, "sendsAll">;
}

/**
 * Decides which processes a run reports: those that pass the filters. With `--pid`, the given processes and their
 * descendants.
 */
export class ProcessFilter implements Disposable {
  /** Applies the filters of the kernel side to samples and to the table. */
  readonly samples: SampleFilter;
  /** Whether only some processes and their descendants are watched. */
  readonly follows: boolean;
  readonly #parts: ProcessFilterParts;

  /** @throws LinnixError if the cgroup of the filters does not exist */
  constructor(parts: ProcessFilterParts) {
    const { filters, table } = parts;
    this.#parts = parts;
    this.follows = filters.pids.length > 0;
    this.samples = new SampleFilter(filters);
    // The pid of an ended process may soon belong to another process.
    if (this.follows) table.onGone = (pid) => this.samples.exited(pid);
  }

  /** Live processes that pass the filters. */
  get running(): number {
    let running = 0;
    for (const slot of this.#parts.table.liveSlots()) if (this.passes(slot)) running++;
    return running;
  }

  /** Whether a live process passes the filters. */
  passes(slot: number): boolean {
    return this.samples.wantsSlot(this.#parts.table, slot);
  }

  /**
   * Whether the event is of a watched process. Once its map had no room, the kernel side sends events of all processes.
   * Call it for each event if {@link follows}, because it also begins to follow the children of watched processes.
   */
  takes(type: number, view: EventView): boolean {
    const { samples } = this;
    const { pid } = view;
    if (type === EVENT_FORK) samples.forked(pid, view.ppid);
    const isWatched =
      samples.follows(pid) || !this.#parts.mapRoom.sendsAll || (type === EVENT_PROCESS && samples.follows(view.ppid));
    if (type === EVENT_EXIT || type === EVENT_PROCESS) samples.exited(pid);
    return isWatched;
  }

  /**
   * Enters the running processes into the table. If linnix watches only some processes, it also finds their
   * descendants.
   */
  seed(reconciler: Reconciler): void {
    const { filters, table, watched, backend } = this.#parts;
    const family = reconciler.seed(filters.pids, (pid) => backend.trackPid(pid));
    if (!this.follows) return;
    watched.settle(family, table, reconciler, { backend, filter: this.samples });
    this.look();
  }

  /** Reports if no watched process is left. Call it when no exit waits in the rings. */
  look(): void {
    if (this.follows) this.#parts.watched.look(this.samples.followed);
  }

  [Symbol.dispose](): void {
    this.samples.close();
  }
}
