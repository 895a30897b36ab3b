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
  /** Whether filters drop some processes or exits. The CPU time of the groups then does not add up to the machine's. */
  isFiltered: boolean;
  placeOf(cgroupId: bigint): Place | undefined;
  wants(slot: number): boolean;
  isSampling(): boolean;
  /** Updates the table with the live processes. Returns false if it could not, because the outputs are blocked. */
  refresh(): boolean;
}

/**
 * How often linnix reads the kernel's places for groups if nothing scrapes them, ns, so that the kernel does not run
 * out of places.
 */
const TAKE_NS = 30e9;
/**
 * A scrape that comes sooner than this after the previous scrape gets the same figures, ns. `LOOK_WITHOUT_SAMPLING_NS`
 * applies while sampling is off.
 */
const LOOK_NS = 1e9;
const LOOK_WITHOUT_SAMPLING_NS = 5e9;

/**
 * Memory of the kernel side, bytes: figures of the processes at the last look, and of processes that ended, up to 100
 * bytes each.
 */
export const KERNEL_BYTES = 1.4 * 2 ** 20;
/** Memory of this process for reading the groups if all places of the kernel side are in use, bytes. */
export const READ_BYTES = 3 * 2 ** 20;
/** Memory of this process for a group, and for a live process, bytes. */
export const GROUP_BYTES = 2560;
export const PROCESS_BYTES = 200;

/** File descriptors that loading a sampler needs, and some spare ones. */
const LOADING_FDS = 32;

/**
 * Keeps the groups of `/metrics` and `/groups` up to date. It scans all processes only at the start and for requests.
 */
export class GroupReports implements Disposable {
  readonly groups: Groups;
  readonly #parts: GroupReportsParts;
  readonly #share: TotalsShare;
  /** Separate from the sampler for sample events, because each sampler returns the changes since its own last scan. */
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

  /** How much memory the groups take at most, as text. */
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
    // This comes first, so that a process that ends between the two steps is counted at the next look, and not twice.
    this.#take(nowNs);
    if (!this.#parts.refresh()) return;
    this.#lookedNs = nowNs;
    this.groups.look({ nowNs, sweep: (each) => void sampler.sweep(each), machine: readMachineTime });
  }
}
