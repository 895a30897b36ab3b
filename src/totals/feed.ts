import { TOTALS_KERNEL } from "../wire/layout.gen.ts";
import { bounded } from "./bounded.ts";
import type { TotalsBuffers } from "./buffers.ts";
import type { Group } from "./group.ts";

/** The part of the totals that one reader receives. */
export interface TotalsShare {
  /** The groups since the last call. */
  take(): Group[];
}

interface Pending {
  isOn: () => boolean;
  pick: (group: Group) => Group | null;
  groups: Group[];
}

/** Distributes the kernel side's totals to several readers, because a buffer can be emptied only once. */
export class TotalsFeed {
  readonly #buffers: Pick<TotalsBuffers, "take" | "placesRead">;
  readonly #pending: Pending[] = [];

  constructor(buffers: Pick<TotalsBuffers, "take" | "placesRead">) {
    this.#buffers = buffers;
  }

  /** See `TotalsBuffers.placesRead`. */
  get placesRead(): number {
    return this.#buffers.placesRead;
  }

  /**
   * Adds a reader.
   * @param isOn whether the reader needs totals at the moment
   * @param pick returns what the reader takes from a group; null: nothing
   */
  share(isOn: () => boolean, pick: (group: Group) => Group | null): TotalsShare {
    const own: Pending = { isOn, pick, groups: [] };
    this.#pending.push(own);
    return {
      take: () => {
        this.#turn();
        const { groups } = own;
        own.groups = [];
        return groups;
      },
    };
  }

  #turn(): void {
    const groups = this.#buffers.take();
    for (const reader of this.#pending) {
      const picked = reader.isOn() ? groups.flatMap((group) => reader.pick(group) ?? []) : [];
      // Groups from the buffers are already bounded.
      const areAsTheyCome = reader.groups.length === 0 && picked.every((group, at) => group === groups[at]);
      if (!reader.isOn()) reader.groups = [];
      else reader.groups = areAsTheyCome ? picked : bounded([...reader.groups, ...picked]);
    }
  }
}

/** The part of a group that the level `summary` reports; null if other records report its processes as well. */
export function ofSummary(group: Group): Group | null {
  if (group.isBeside || group.hasOnlyAfterExit) return null;
  return group.isKernel ? group.as(group.kind & ~TOTALS_KERNEL) : group;
}
