import type { ImageReader } from "../process/image-reader.ts";
import { NO_IMAGE } from "../process/image-store.ts";
import { openProcessLister } from "../process/live-processes.ts";
import type { ProcessLister } from "../process/process-lister.ts";
import type { ProcessTable } from "../process/table.ts";
import { boottimeNs } from "../sys/clock.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";

/** Time between two comparisons of the table with the live processes; also if a filter keeps exits from being reported. */
const RECONCILE_NS = 60e9;
const WITHOUT_EXITS_NS = 5e9;
/** The next comparison comes sooner if the table has this many entries more than twice its size after the last one. */
const RECONCILE_GROWTH = 4096;
/** Processes that are entered at the start between two looks at the rings. */
const DRAIN_EVERY = 16;
/** Maximum number of searches for descendants: a process can be forked during a search, so it is repeated until none is new. */
const MAX_DESCENDANT_LOOKS = 8;

/** Takes about 10 MB. */
const MAX_UNVERIFIED = 65_536;

export interface ReconcilerOptions {
  table: ProcessTable;
  /**
   * Drains the rings, because events continue while the kernel makes a list. Returns false if something had to stay in
   * them.
   */
  drain(): boolean;
  /** Whether `--events` or a filter can hold exits back: see `holdsBackExits`. */
  exitsHeldBack?: boolean;
  /** Reads what processes execute that run already. */
  images?: ImageReader;
  /** Is closed with the reconciler. */
  lister?: ProcessLister;
  /** How often the table is held against what runs, ns. */
  everyNs?: number;
  /** Maximum number of processes that are kept without proof that they live; only if exits are held back. */
  maxUnverified?: number;
}

/** Holds the process table against the list of processes that really run. */
export class Reconciler implements Disposable {
  readonly #table: ProcessTable;
  readonly #drain: () => boolean;
  readonly #images: ImageReader | undefined;
  readonly #everyNs: number;
  readonly #lister: ProcessLister;
  readonly #maxUnverified: number;
  #lastNs = 0;
  #liveThen = 0;

  constructor(options: ReconcilerOptions) {
    const { table, drain, exitsHeldBack = false } = options;
    this.#table = table;
    this.#drain = drain;
    this.#images = options.images;
    this.#everyNs = options.everyNs ?? (exitsHeldBack ? WITHOUT_EXITS_NS : RECONCILE_NS);
    this.#lister = options.lister ?? openProcessLister();
    this.#maxUnverified = options.maxUnverified ?? MAX_UNVERIFIED;
  }

  /** Whether a process may be alive although the table does not have it. */
  mayHide(pid: number, startNs: number): boolean {
    return this.#lister.mayHide?.(pid, startNs) ?? false;
  }

  /**
   * Enters the live processes, after the programs are attached. Events report every later fork.
   * @param pids these processes are watched with their descendants
   * @param track called for each of them as soon as it is known
   * @returns all of these
   */
  seed(pids: readonly number[], track: (pid: number) => void): ReadonlySet<number> {
    const table = this.#table;
    const family = new Set(pids);
    const parents = new Map<number, number>();
    let listed = 0;
    for (let look = 0; look < MAX_DESCENDANT_LOOKS; look++) {
      const before = family.size;
      parents.clear();
      this.#lister.list((record) => {
        const slot = table.seed(record);
        if (family.size > 0) parents.set(record.u32(PROCESS_EVENT.pid), record.u32(PROCESS_EVENT.ppid));
        // Last, for slots may be others after it.
        if (table.image(slot) === NO_IMAGE) this.#images?.begin(slot);
        // Events come already, and no signal is handled before this ends: the rings must not fill up.
        if (++listed % DRAIN_EVERY === 0) this.#drain();
      });
      addDescendants(family, parents);
      if (family.size === before) break;
      for (const pid of family) track(pid);
    }
    this.#images?.finish();
    this.#done(boottimeNs());
    return family;
  }

  /** When the list was begun that the table was last held against, CLOCK_BOOTTIME. */
  get checkedNs(): number {
    return this.#lastNs;
  }

  /** @param nowNs CLOCK_BOOTTIME */
  isDue(nowNs: number): boolean {
    const hasGrown = this.#table.live > 2 * this.#liveThen + RECONCILE_GROWTH;
    return hasGrown || nowNs - this.#lastNs >= this.#everyNs;
  }

  /**
   * An exit that was lost, or held back, must not leave its process in the table for ever. If the rings cannot be read, the
   * comparison stays due: they may hold the exit of a process that is gone.
   */
  reconcile(): void {
    const table = this.#table;
    const startedNs = boottimeNs();
    // A process that was known before the list is made, and is not on it, is gone. A later one may be too young for the list.
    const missing = new Set(table.liveSlots());
    this.#lister.list((record) => {
      missing.delete(table.refresh(record));
    });
    // Exits that came meanwhile are read here. After that a slot may belong to another process.
    if (!this.#drain()) return;
    const unverified: number[] = [];
    for (const slot of missing) {
      if ((table.bornNs(slot) ?? 0) >= startedNs) continue;
      const startNs = table.startHigh(slot) * 4294967296 + table.startLow(slot);
      // What this lister cannot see may live.
      if (this.mayHide(table.pid(slot), startNs)) unverified.push(slot);
      else table.reconcileGone(slot, startedNs);
    }
    this.#bound(unverified, startedNs);
    this.#done(startedNs);
  }

  [Symbol.dispose](): void {
    this.#lister[Symbol.dispose]();
  }

  /**
   * Limits the number of unverified processes. Normally their exit events remove them. If exits are held back, they
   * could grow up to the number of pids, so the oldest ones are dropped.
   */
  #bound(unverified: number[], nowNs: number): void {
    const table = this.#table;
    if (!table.exitsHeldBack || unverified.length <= this.#maxUnverified) return;
    unverified.sort((a, b) => (table.bornNs(b) ?? 0) - (table.bornNs(a) ?? 0));
    for (const slot of unverified.slice(this.#maxUnverified)) table.reconcileGone(slot, nowNs);
  }

  #done(nowNs: number): void {
    this.#lastNs = nowNs;
    this.#liveThen = this.#table.live;
  }
}

/** Adds all descendants to a family. A child can precede its parent in the list, because pids are used again. */
function addDescendants(family: Set<number>, parents: ReadonlyMap<number, number>): void {
  let before: number;
  do {
    before = family.size;
    for (const [pid, ppid] of parents) if (family.has(ppid)) family.add(pid);
  } while (family.size > before);
}
