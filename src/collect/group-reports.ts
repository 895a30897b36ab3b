import type { Place } from "../cgroup/place.ts";
import { Books } from "../groups/books.ts";
import { Groups } from "../groups/groups.ts";
import { keepsIrqApart } from "../groups/irq-apart.ts";
import type { Backend } from "../probes/backend.ts";
import type { ProcessTable } from "../process/table.ts";
import { readMachineTime } from "../procfs/machine-time.ts";
import { openSampler } from "../sampling/open.ts";
import type { Sampler } from "../sampling/sampler.ts";
import { boottimeNs } from "../sys/clock.ts";
import type { TotalsFeed, TotalsShare } from "../totals/feed.ts";
import type { SpareDescriptors } from "./spare-descriptors.ts";

export interface GroupSettings {
  max: number;
  graceNs: number;
  byComm: boolean;
}

export interface GroupReportsParts {
  settings: GroupSettings;
  backend: Backend;
  feed: TotalsFeed;
  table: ProcessTable;
  descriptors: SpareDescriptors;
  /** Whether some processes, or their ends, are filtered: then groups do not make up the machine's time. */
  isFiltered: boolean;
  placeOf(cgroupId: bigint): Place | undefined;
  wants(slot: number): boolean;
  isSampling(): boolean;
  /** Brings the table up to date with what lives; false: the outputs hold it up. */
  refresh(): boolean;
}

/**
 * How often linnix reads the kernel's places for groups if nothing scrapes them, ns. Then the kernel does not run out
 * of places.
 */
const TAKE_NS = 30e9;
/** A scrape that comes sooner after another one gets the same figures, ns. */
const LOOK_NS = 1e9;
const LOOK_WITHOUT_SAMPLING_NS = 5e9;

/** What the kernel side takes: the figures of a look at all processes, and processes that end (100 bytes each). */
export const KERNEL_BYTES = 1.4 * 2 ** 20;
/** What reading it takes of this process while the kernel side has a group of processes at each of its places. */
export const READ_BYTES = 3 * 2 ** 20;
/** Bytes of a group and of a live process, in the memory of linnix. */
export const GROUP_BYTES = 2560;
export const PROCESS_BYTES = 200;

/** Descriptors that loading a sampler takes, and some more. */
const LOADING_FDS = 32;

/** Keeps the groups of `/metrics` and `/groups` up to date. It goes through all processes only for a request. */
export class GroupReports implements Disposable {
  readonly groups: Groups;
  readonly #parts: GroupReportsParts;
  readonly #share: TotalsShare;
  /** Apart from the one that samples for events: what changed since a scrape is not what changed since a sample. */
  #sampler: Sampler | undefined;
  #takenNs = 0;
  #lookedNs = 0;

  constructor(parts: GroupReportsParts) {
    const { settings, backend, feed, table, isFiltered, placeOf, wants } = parts;
    this.#parts = parts;
    this.#share = feed.share(
      () => true,
      (group) => group,
    );
    const knowsExits = backend.name === "btf";
    this.groups = new Groups({
      ...settings,
      table,
      placeOf: (cgroupId) => (cgroupId === 0n ? undefined : placeOf(cgroupId)),
      wants,
      knowsExits,
      books: isFiltered || !knowsExits ? null : new Books(() => keepsIrqApart()),
    });
  }

  /** How much memory they take at most, in words. */
  get memoryBound(): string {
    const { max } = this.groups.slots;
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    const groups = `up to ${max} groups, in at most ${mib(KERNEL_BYTES + max * GROUP_BYTES)}`;
    const reading = `${mib(READ_BYTES)} more while much is read`;
    return `${groups} and ${PROCESS_BYTES} bytes a live process, and ${reading}`;
  }

  /** Call this when the programs are attached and the table is filled, before linnix gives up root. */
  begin(): void {
    this.#parts.descriptors.use(LOADING_FDS, () => {
      this.#sampler = openSampler({ splitsModes: true });
      this.#look(boottimeNs());
    });
  }

  /** To be called at each flush. */
  tick(): void {
    const nowNs = boottimeNs();
    if (nowNs - this.#takenNs >= TAKE_NS) this.#take(nowNs);
  }

  /** Brings the groups up to date, before they are shown. */
  update(): void {
    const nowNs = boottimeNs();
    const enough = this.#parts.isSampling() ? LOOK_NS : LOOK_WITHOUT_SAMPLING_NS;
    if (!this.#sampler || nowNs - this.#lookedNs < enough) return;
    this.#parts.descriptors.use(this.#sampler.sweepFds ?? 1, () => this.#look(nowNs));
  }

  [Symbol.dispose](): void {
    this.#sampler?.[Symbol.dispose]();
    this.#sampler = undefined;
  }

  #take(nowNs: number): void {
    this.#takenNs = nowNs;
    this.groups.add(this.#share.take(), nowNs);
    this.#parts.backend.clocks?.ask();
  }

  #look(nowNs: number): void {
    const sampler = this.#sampler;
    if (!sampler) return;
    // First: what ends between the two is counted by neither until the next look, and never twice.
    this.#take(nowNs);
    if (!this.#parts.refresh()) return;
    this.#lookedNs = nowNs;
    this.groups.look({ nowNs, sweep: (each) => void sampler.sweep(each), machine: readMachineTime });
  }
}
