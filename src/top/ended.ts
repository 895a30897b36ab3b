import { addEnded, ByName, type EndedFigures, type EndedSums, noneEnded } from "../totals/ended.ts";
import type { CommandTotals, ShortLived } from "./model.ts";

/** A process that started and ended since the last refresh. */
export interface Ended extends EndedFigures {
  comm: string;
  group: string;
}

/** Adds up processes that started and ended since the last refresh. */
export class EndedTotals {
  #all = noneEnded();
  #commands = commandSums();
  #groups = groupSums();

  add(ended: Ended): void {
    addEnded(this.#all, ended);
    addEnded(this.#commands.of(ended.comm), ended);
    addEnded(this.#groups.of(ended.group), ended);
  }

  /** Returns the sums so far, and starts new ones. */
  take(): ShortLived {
    const { count, cpuNs, cpuUnknown } = this.#all;
    const taken = {
      count,
      cpuNs,
      cpuUnknown,
      commands: [...this.#commands.items.values()],
      groups: this.#groups.items,
    };
    this.#all = noneEnded();
    this.#commands = commandSums();
    this.#groups = groupSums();
    return taken;
  }
}

function commandSums(): ByName<CommandTotals> {
  return new ByName((comm) => ({ comm, ...noneEnded() }));
}

function groupSums(): ByName<EndedSums> {
  return new ByName(noneEnded);
}
