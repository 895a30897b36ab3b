import { textOf } from "../json/text.ts";
import type { EventView } from "../process/event-view.ts";
import { KNOWN_CPU, PROCESS_EVENT } from "../wire/layout.gen.ts";

/** User time of ended processes of one cgroup. */
export interface UserAtExit {
  cgroupId: bigint;
  /** The name of the processes; "" unless the groups have names. */
  comm: string;
  ns: number;
}

/**
 * Maximum number of cgroups and names between two calls of `take`, as many as the kernel side has places for. The user
 * time of more counts as system time.
 */
const MAX_KEYS = 1024;

/**
 * User time that processes used since the last update of their run time before they ended. The kernel side adds it to
 * the groups only when the kernel frees the process, and as system time, because at an exit it would need a slow clock
 * to know it. The records of the exits have that time.
 */
export class UserTimeAtExits {
  readonly #byComm: boolean;
  #sums = new Map<number | string, UserAtExit>();

  constructor(byComm: boolean) {
    this.#byComm = byComm;
  }

  /** Adds an ended process. */
  add(view: EventView): void {
    if ((view.known & KNOWN_CPU) === 0) return;
    const ns = view.pendingUserNs;
    if (ns <= 0) return;
    const { record } = view;
    const cgroup = record.u64(PROCESS_EVENT.cgroup_id);
    const comm = this.#byComm ? textOf(view.comm) : "";
    const key = comm === "" ? cgroup : `${cgroup}/${comm}`;
    const sum = this.#sums.get(key);
    if (sum) sum.ns += ns;
    else if (this.#sums.size < MAX_KEYS)
      this.#sums.set(key, { cgroupId: record.big(PROCESS_EVENT.cgroup_id), comm, ns });
  }

  /** The sums since the last call. */
  take(): Iterable<UserAtExit> {
    const sums = this.#sums;
    this.#sums = new Map();
    return sums.values();
  }
}
