import type { ImageReader } from "../process/image-reader.ts";
import { NO_IMAGE } from "../process/image-store.ts";
import { openProcessLister } from "../process/live-processes.ts";
import type { ProcessLister } from "../process/process-lister.ts";
import type { ProcessTable } from "../process/table.ts";
import { boottimeNs } from "../sys/clock.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";

/**
 * Time between two comparisons of the table with the live processes, ns. `WITHOUT_EXITS_NS` applies if a filter can
 * drop exits.
 */
const RECONCILE_NS = 60e9;
const WITHOUT_EXITS_NS = 5e9;
/** The next comparison comes sooner if the table has this many entries more than twice its size after the last one. */
const RECONCILE_GROWTH = 4096;
/** Number of processes that are entered at the start between two drains of the rings. */
const DRAIN_EVERY = 16;
/**
 * Maximum number of searches for descendants: processes can be forked during a search, so it is repeated until it finds
 * no new one.
 */
const MAX_DESCENDANT_LOOKS = 8;

/** Default of `maxUnverified`. This number of processes takes about 10 MB. */
const MAX_UNVERIFIED = 65_536;

export interface ReconcilerOptions {
  table: ProcessTable;
  /**
   * Drains the rings, because events continue while the kernel makes a list. Returns false if records had to stay in
   * the rings.
   */
  drain(): boolean;
  /** Whether `--events` or a filter can drop exits: see `holdsBackExits`. */
  exitsHeldBack?: boolean;
  /** Reads the images of processes that started before linnix. */
  images?: ImageReader;
  /** The reconciler closes it. */
  lister?: ProcessLister;
  /** Time between two comparisons of the table with the live processes, ns. */
  everyNs?: number;
  /**
   * Maximum number of processes that the table keeps without proof that they live. Applies only if exits are held back.
   */
  maxUnverified?: number;
}

/** Compares the process table with a list of the live processes, and corrects the table. */
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

  /** Whether a process may be alive although the last list does not have it. Arguments: see `ProcessLister.mayHide`. */
  mayHide(pid: number, startNs: number): boolean {
    return this.#lister.mayHide?.(pid, startNs) ?? false;
  }

  /**
   * Enters the live processes into the table. Call it after the programs are attached, so that events report every
   * later fork.
   * @param pids these processes are watched with their descendants
   * @param track called for each process of the family after a search that found new descendants
   * @returns the pids of these processes and their descendants
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
        // This comes last, because it may process events, and slots are invalid after that.
        if (table.image(slot) === NO_IMAGE) this.#images?.begin(slot);
        // Events arrive already, and no signal is handled before this ends. So this drains the rings before they fill
        // up.
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

  /** When the last comparison began, CLOCK_BOOTTIME, ns. After `seed`: when it ended. */
  get checkedNs(): number {
    return this.#lastNs;
  }

  /** @param nowNs CLOCK_BOOTTIME */
  isDue(nowNs: number): boolean {
    const hasGrown = this.#table.live > 2 * this.#liveThen + RECONCILE_GROWTH;
    return hasGrown || nowNs - this.#lastNs >= this.#everyNs;
  }

  /**
   * Removes processes that are gone although no event reported their exit. If the rings cannot be drained, it removes
   * none and the comparison stays due, because the rings may contain their exits.
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
      // A process that this lister cannot see may be alive.
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
   * Limits the number of unverified processes. Normally their exit events remove them. If exits are held back, their
   * number could grow up to the number of pids, so this drops the oldest ones.
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
