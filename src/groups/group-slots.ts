import { GroupRow } from "./group-row.ts";
import { type GroupLabel, KERNEL, keyOfLabel, OTHER } from "./label.ts";

export interface GroupSlotsOptions {
  /** Maximum number of groups at the same time, without kernel threads and `other`. */
  max: number;
  /** How long a group in which nothing lives or happens keeps its slot, ns. */
  graceNs: number;
}

/**
 * Maximum share of the slots for the groups of one user. It is limited because a user can make any number of scopes.
 */
const USER_SHARE = 1 / 4;

/** A bounded number of groups. The first groups get a slot each. The figures of all others are in `other`. */
export class GroupSlots {
  readonly kernel = new GroupRow(KERNEL, null, 0);
  readonly other = new GroupRow(OTHER, null, 0);
  readonly max: number;
  readonly #graceNs: number;
  readonly #rows = new Map<string, GroupRow>();
  readonly #byUser = new Map<string, number>();
  #endedCpuNs = 0;
  #ended = 0;

  constructor({ max, graceNs }: GroupSlotsOptions) {
    this.max = max;
    this.#graceNs = graceNs;
  }

  /** Groups with a slot. */
  get size(): number {
    return this.#rows.size;
  }

  /** Number of groups whose slot expired, and the sum of their CPU time, ns. */
  get ended(): { groups: number; cpuNs: number } {
    return { groups: this.#ended, cpuNs: this.#endedCpuNs };
  }

  /** The group of a label. If it is new, it gets a slot; if none is free for it, this is `other`. */
  rowOf(label: GroupLabel, user: string | null, nowNs: number): GroupRow {
    const key = keyOfLabel(label);
    const known = this.#rows.get(key);
    if (known) return known;
    if (this.#rows.size >= this.max) return this.other;
    if (user !== null) {
      const used = this.#byUser.get(user) ?? 0;
      if (used >= Math.max(1, Math.floor(this.max * USER_SHARE))) return this.other;
      this.#byUser.set(user, used + 1);
    }
    const row = new GroupRow(label, user, nowNs);
    this.#rows.set(key, row);
    return row;
  }

  /** Whether figures of that group are still shown. */
  has(row: GroupRow): boolean {
    return row === this.kernel || row === this.other || this.#rows.get(keyOfLabel(row.label)) === row;
  }

  /** All groups: kernel threads, those with a slot, and `other`. */
  *rows(): Generator<GroupRow> {
    yield this.kernel;
    yield* this.#rows.values();
    yield this.other;
  }

  /** CPU time of all groups and of those that ended, ns. */
  get cpuNs(): number {
    let sum = this.#endedCpuNs;
    for (const row of this.rows()) sum += row.cpuNs;
    return sum;
  }

  /** Frees the slots of groups in which nothing lived or happened for the grace time. */
  expire(nowNs: number): void {
    for (const [key, row] of this.#rows) {
      if (row.processes > 0 || nowNs - row.activeNs < this.#graceNs) continue;
      this.#rows.delete(key);
      this.#ended++;
      this.#endedCpuNs += row.cpuNs;
      if (row.user === null) continue;
      const left = (this.#byUser.get(row.user) ?? 1) - 1;
      if (left > 0) this.#byUser.set(row.user, left);
      else this.#byUser.delete(row.user);
    }
  }
}
