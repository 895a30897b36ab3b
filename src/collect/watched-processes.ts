import type { Backend } from "../probes/backend.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import type { SampleFilter } from "../sampling/sample-filter.ts";
import type { Conditions } from "./conditions.ts";
import type { Reconciler } from "./reconciler.ts";
import { isStillThere, resolveWatchedPids, type WatchedPid } from "./watched-pids.ts";

/** The two filters that follow the watched processes: that of the kernel side, and that of samples. */
interface Followers {
  backend: Pick<Backend, "untrackPid">;
  filter: Pick<SampleFilter, "follow" | "exited">;
}

/** The processes of `--pid` and their descendants: which of them still run, and the report when none does. */
export class WatchedProcesses {
  readonly #watched: readonly WatchedPid[];
  readonly #conditions: Conditions;

  /** @throws LinnixError (exit codes 2 and 3), see `resolveWatchedPids` */
  constructor(
    pids: readonly number[],
    conditions: Conditions,
    resolve: (pids: readonly number[]) => WatchedPid[] = resolveWatchedPids,
  ) {
    this.#watched = resolve(pids);
    this.#conditions = conditions;
  }

  /** The kernel's pids; empty if every process is watched. */
  get pids(): number[] {
    return this.#watched.map(({ pid }) => pid);
  }

  /**
   * Lets the filters follow live processes, and drop those that have ended since they were looked up, because their pids may
   * soon belong to other processes. Call it when the table has all live processes.
   * @param family the watched processes and their descendants
   */
  settle(
    family: Iterable<number>,
    table: ProcessTable,
    lister: Pick<Reconciler, "mayHide">,
    followers: Followers,
  ): void {
    const roots = new Map(this.#watched.map((watched) => [watched.pid, watched]));
    for (const pid of family) {
      const root = roots.get(pid);
      const isListed = table.findLive(pid) !== NO_SLOT || lister.mayHide(pid, 0);
      if (isListed && (root === undefined || isStillThere(root))) {
        followers.filter.follow(pid);
      } else {
        followers.filter.exited(pid);
        followers.backend.untrackPid(pid);
      }
    }
  }

  /** Reports if no watched process or descendant is left. @param followed how many of them run */
  look(followed: number): void {
    if (followed > 0 || this.#watched.length === 0 || this.#conditions.active.has("watched_process_gone")) return;
    const given = this.#watched.map((watched) => watched.given).join(", ");
    const which =
      this.#watched.length === 1 ? `the watched process ${given} has` : `the watched processes ${given} have`;
    this.#conditions.set(
      "watched_process_gone",
      `${which} ended, and no descendant runs: there is nothing left to watch`,
      "start linnix again with the pid of a process that runs",
    );
  }
}
