import { Allowance } from "../cgroup/allowance.ts";
import { type CgroupMounts, readCgroupMounts } from "../cgroup/cgroup-mount.ts";
import { CgroupNames, ROOT_ID } from "../cgroup/cgroup-names.ts";
import { FOREIGN_HINT, isInInitialCgroupNamespace } from "../cgroup/cgroup-namespace.ts";
import { type CacheStats, Lru } from "../cgroup/lru.ts";
import { MadeCgroups } from "../cgroup/made-cgroups.ts";
import { type Move, Moves } from "../cgroup/moves.ts";
import { type KnownPlace, placeAt, UNKNOWN_PLACE } from "../cgroup/place.ts";
import {
  afterMove,
  type Membership,
  parseMembership,
  readMembershipText,
  tellingV1Path,
} from "../cgroup/proc-cgroup.ts";
import { EVENT_EXEC, EVENT_FORK, EVENT_PROCESS, EVENT_SAMPLE, MOVES, PROCESS_EVENT } from "../wire/layout.gen.ts";
import { type AccountFiles, Accounts } from "./accounts.ts";
import type { EventView, PlaceOfEvent } from "./event-view.ts";
import { NO_PLACE, PlaceStore } from "./place-store.ts";
import type { ProcessTable } from "./table.ts";
import { NO_SLOT } from "./table-slots.ts";
import { descendantsOf, parentOf } from "./tree.ts";

export interface IdentityOptions {
  mounts?: CgroupMounts;
  accounts?: AccountFiles;
  /** Maximum number of cgroups whose names are kept. */
  maxCgroups?: number;
}

const MAX_CGROUPS = 2048;
/** A cgroup whose path is unknown is looked up again after this time. */
const RETRY_MS = 10_000;
/** Above 2^53 two ids may have the same key, so a lookup also compares the id. */
function keyOf(high: number, low: number): number {
  return high * 4294967296 + low;
}

/** See `Conditions`. */
export interface NamespaceReport {
  set(name: "foreign_cgroup_namespace", message: string, hint: string): void;
}

interface NamedCgroup {
  low: number;
  high: number;
  place: KnownPlace;
  /** When linnix looks for an unknown place again, ms of performance.now(); infinite for a known place. */
  retryMs: number;
}

/**
 * Finds where processes belong (cgroup, container, pod, unit), and the names of users and groups. Each cgroup is looked
 * up at its first use. If the cgroup has been removed by then, its path comes from the kernel side's list of new
 * cgroups.
 *
 * With v1 hierarchies, all processes can be at the root of the v2 hierarchy. Then linnix reads /proc/PID/cgroup of a
 * few processes, and the kernel side reports moves. Descendants inherit the resulting place.
 */
export class Identity implements PlaceOfEvent, Disposable {
  readonly #table: ProcessTable;
  readonly #mounts: CgroupMounts;
  readonly #names: CgroupNames | undefined;
  readonly #made: MadeCgroups | undefined;
  /** Undefined if there are no v1 hierarchies, or if the kernel does not let linnix load the program. */
  readonly #moves: Moves | undefined;
  /** Moves of processes whose fork may still be in a ring, oldest move first. */
  #early: Move[] = [];
  #lostEarly = 0;
  readonly #accounts: Accounts;
  readonly #cgroups: Lru<number, NamedCgroup>;
  readonly #maxCgroups: number;
  readonly #places = new PlaceStore();
  readonly #root: KnownPlace;
  /** Limits of the reads of /proc/PID/cgroup per second: for processes that were probably moved, and for others. */
  readonly #likely = new Allowance(100);
  readonly #unlikely = new Allowance(20);
  /** The cgroup of the last event. */
  #last: NamedCgroup | undefined;
  #lastHits = 0;
  /** The time of the last event that no output reported. */
  #passedLow = 0;
  #passedHigh = 0;

  constructor(table: ProcessTable, options: IdentityOptions = {}) {
    this.#table = table;
    this.#mounts = options.mounts ?? readCgroupMounts();
    this.#accounts = new Accounts(options.accounts);
    this.#maxCgroups = options.maxCgroups ?? MAX_CGROUPS;
    this.#cgroups = new Lru(this.#maxCgroups);
    this.#names = CgroupNames.open(this.#mounts);
    this.#made = MadeCgroups.open();
    this.#root = this.#mounts.v2 ? placeAt("/") : UNKNOWN_PLACE;
    table.places = this.#places;
    if (this.#mounts.hasV1) this.#moves = Moves.open();
  }

  /**
   * Looks up all cgroups and the places of all live processes while they exist, because the kernel side only reports
   * new cgroups. Call it once, after the table has been filled.
   */
  lookAround(): void {
    for (const [id, path] of this.#names?.walk(this.#maxCgroups) ?? []) {
      this.#keep(Number(id >> 32n), Number(id & 0xffffffffn), path);
    }
    for (const slot of this.#table.liveSlots()) this.of(slot);
  }

  /** Sets a condition if the paths of some cgroups stay unknown because this cgroup namespace does not show them. */
  reportNamespace(conditions: NamespaceReport): void {
    if (isInInitialCgroupNamespace() || this.#names?.seesAll) return;
    const message = "cgroup, container and unit are unknown outside of this cgroup namespace";
    conditions.set("foreign_cgroup_namespace", message, FOREIGN_HINT);
  }

  /** Where the process of an event belongs. The `json` of the returned place is encoded already. */
  ofEvent(event: EventView): KnownPlace {
    const { record } = event;
    let place = UNKNOWN_PLACE;
    if (event.cgroupKnown) {
      const low = record.u32(PROCESS_EVENT.cgroup_id);
      const high = record.u32(PROCESS_EVENT.cgroup_id + 4);
      const last = this.#last;
      if (last && last.low === low && last.high === high) {
        this.#lastHits++;
        place = last.place;
      } else {
        place = this.ofCgroup(high, low, event.pid);
      }
    }
    // If only the path of the v2 cgroup is unknown, the place stays unknown: v1 or a parent would give another cgroup.
    if (!this.#mounts.hasV1 || event.slot === NO_SLOT || (event.cgroupKnown && place !== this.#root)) return place;
    this.#takeMoves(record.u64(PROCESS_EVENT.ts_ns), event.type !== EVENT_SAMPLE);
    if (event.type === EVENT_FORK || event.type === EVENT_PROCESS) this.#inherit(event.slot);
    else if (event.type === EVENT_EXEC) this.#lookAtExec(event);
    return this.#placeOf(event.slot) ?? place;
  }

  /**
   * Looks up the place for an event that no output reports, and returns nothing. Most events have the same cgroup as
   * the event before, and need no lookup.
   */
  passed(event: EventView): void {
    if (this.#mounts.hasV1 && !this.#moves) {
      this.ofEvent(event);
      return;
    }
    const { record } = event;
    const low = record.u32(PROCESS_EVENT.cgroup_id);
    const high = record.u32(PROCESS_EVENT.cgroup_id + 4);
    if ((low === this.#passedLow && high === this.#passedHigh) || !event.cgroupKnown) return;
    this.#passedLow = low;
    this.#passedHigh = high;
    this.ofCgroup(high, low, event.pid);
  }

  /**
   * Applies the moves that the kernel side has reported so far. Call it regularly, because later moves overwrite them.
   */
  flushed(): void {
    if (this.#moves) this.#takeMoves(Number.POSITIVE_INFINITY, false);
  }

  /** Where the process belongs, live or lingering. */
  of(slot: number): KnownPlace {
    const table = this.#table;
    const low = table.cgroupIdLow(slot);
    const high = table.cgroupIdHigh(slot);
    const isKnown = low !== 0 || high !== 0;
    const place = isKnown ? this.ofCgroup(high, low, table.isLive(slot) ? table.pid(slot) : 0) : UNKNOWN_PLACE;
    if (isKnown && (!this.#mounts.hasV1 || place !== this.#root)) return place;
    this.#takeMoves(Number.POSITIVE_INFINITY, false);
    if (table.place(slot) === NO_PLACE && table.isLive(slot)) this.#look(slot);
    else this.#inherit(slot);
    return this.#placeOf(slot) ?? place;
  }

  /**
   * The place of a cgroup of the v2 hierarchy, by the halves of its id.
   * @param pid a process in that cgroup; 0: none is known
   */
  ofCgroup(high: number, low: number, pid = 0): KnownPlace {
    if (low === ROOT_ID && high === 0) return this.#root;
    let cgroup = this.#cgroups.get(keyOf(high, low));
    if (!cgroup || cgroup.low !== low || cgroup.high !== high || performance.now() >= cgroup.retryMs) {
      const path = this.#names?.pathOf(high, low, pid) ?? this.#made?.pathOf(high, low) ?? null;
      cgroup = this.#keep(high, low, path);
    }
    if (cgroup.place !== UNKNOWN_PLACE) this.#last = cgroup;
    return cgroup.place;
  }

  ofCgroupId(id: bigint): KnownPlace {
    return this.ofCgroup(Number(id >> 32n), Number(id & 0xffffffffn));
  }

  #keep(high: number, low: number, path: string | null): NamedCgroup {
    const retryMs = path === null ? performance.now() + RETRY_MS : Number.POSITIVE_INFINITY;
    const cgroup = { low, high, place: path === null ? UNKNOWN_PLACE : placeAt(path), retryMs };
    this.#cgroups.set(keyOf(high, low), cgroup);
    return cgroup;
  }

  /** Null: this machine has no such user. */
  userName(uid: number): string | null {
    return this.#accounts.userName(uid);
  }

  /** Null: this machine has no such group. */
  groupName(gid: number): string | null {
    return this.#accounts.groupName(gid);
  }

  /** Size, hits and misses of the cache of cgroups. */
  stats(): CacheStats {
    const stats = this.#cgroups.stats();
    return { ...stats, hits: stats.hits + this.#lastHits };
  }

  /** Size, hits and misses of the caches of user names and group names. */
  accountStats(): { users: CacheStats; groups: CacheStats } {
    return this.#accounts.stats();
  }

  /**
   * Number of moves between v1 cgroups that linnix could not apply, because there were too many; null: no program
   * reports moves.
   */
  get lostMoves(): number | null {
    return this.#moves ? this.#moves.reader.lost + this.#lostEarly : null;
  }

  close(): void {
    this.#names?.close();
    this.#made?.[Symbol.dispose]();
    this.#moves?.[Symbol.dispose]();
    if (this.#table.places === this.#places) this.#table.places = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Applies the moves of processes up to the time `untilNs`.
   * @param isInOrder whether every fork before that time has been emitted. This is true if the time comes from an event
   *   of a ring, and false if it comes from a sample or a request
   */
  #takeMoves(untilNs: number, isInOrder: boolean): void {
    const reader = this.#moves?.reader;
    if (this.#early.length > 0)
      this.#early = this.#early.filter((move) => move.tsNs > untilNs || !(this.#moved(move) || isInOrder));
    for (let move = reader?.next(untilNs); move; move = reader?.next(untilNs)) {
      if (this.#moved(move) || isInOrder) continue;
      if (this.#early.length < MOVES) this.#early.push(move);
      else this.#lostEarly++;
    }
  }

  /**
   * Applies one move. The process stays in its cgroups of the other hierarchies, and its place depends on all of them.
   * @returns false: the table does not know the process
   */
  #moved({ pid, startLow, startHigh, hierarchy, path, tsNs }: Move): boolean {
    const table = this.#table;
    const slot = table.find(pid);
    if (slot === NO_SLOT) return false;
    const isStartKnown = table.startLow(slot) !== 0 || table.startHigh(slot) !== 0;
    if (isStartKnown && (table.startLow(slot) !== startLow || table.startHigh(slot) !== startHigh)) return false;
    this.#inherit(slot);
    if (path === "" || table.place(slot) === NO_PLACE) {
      if (table.isLive(slot) && this.#likely.take()) this.#look(slot);
      if (path === "") return true;
    }
    const before = table.place(slot);
    const key = afterMove(this.#places.keyOf(before), hierarchy, path);
    // Its descendants that were born after the move were born in the new cgroup.
    for (const relative of descendantsOf(table, slot).relatives) {
      const isLater = (table.bornNs(relative.slot) ?? 0) >= tsNs;
      if (isLater && table.place(relative.slot) === before) this.#put(relative.slot, key);
    }
    this.#put(slot, key);
    return true;
  }

  /** @param membership the text of /proc/PID/cgroup */
  #put(slot: number, membership: string): void {
    const place = this.#places.take(membership, (text) => placeAt(pathFrom(parseMembership(text))));
    this.#table.setPlace(slot, place);
  }

  /** If the place of a process is unknown, it gets the place of its parent, because it was born there. */
  #inherit(slot: number): void {
    const table = this.#table;
    if (table.place(slot) !== NO_PLACE) return;
    const parent = parentOf(table, slot);
    if (parent === NO_SLOT) return;
    if (table.place(parent) === NO_PLACE && table.isLive(parent) && this.#likely.take()) this.#look(parent);
    if (table.place(parent) !== NO_PLACE) table.setPlace(slot, this.#places.share(table.place(parent)));
  }

  #placeOf(slot: number): KnownPlace | undefined {
    return this.#places.get(this.#table.place(slot));
  }

  /**
   * Reads the cgroups of a process that may have been moved since its birth. A program that starts services or
   * containers, such as init, forks, moves the child to its cgroup, and lets it exec. A process in another pid
   * namespace but in no known container was probably moved too.
   */
  #lookAtExec({ slot, pid, ppid, record, nsPidKnown }: EventView): void {
    const inherited = this.#placeOf(slot);
    // If the kernel side reports every move, no lookup is needed.
    if (inherited && this.#moves) return;
    const isNamespaced = nsPidKnown && record.u32(PROCESS_EVENT.ns_pid) !== pid;
    const isLikely = ppid === 1 || (isNamespaced && !inherited?.container);
    if (!(isLikely ? this.#likely : this.#unlikely).take()) return;
    this.#look(slot);
    if (inherited) return;
    // The next children of the process then need no lookup of their own.
    const parent = parentOf(this.#table, slot);
    if (parent !== NO_SLOT && this.#table.isLive(parent) && this.#table.place(parent) === NO_PLACE) this.#look(parent);
  }

  #look(slot: number): void {
    const text = readMembershipText(this.#table.pid(slot));
    if (text === null) return;
    this.#put(slot, text);
  }
}

function pathFrom(membership: Membership): string {
  return tellingV1Path(membership) ?? membership.v2 ?? "/";
}
