import { busyBetween, type MachineTime } from "../procfs/machine-time.ts";
import { Rising } from "./rising.ts";

/** CPU time that belongs to no group, by what it went to. */
export const REMAINDERS = ["irq"] as const;
export type Remainder = (typeof REMAINDERS)[number];

/** The machine's busy time since the run began, and how much of it is not in any group. */
export class Books {
  readonly #askKernel: () => boolean;
  #answer: boolean | undefined;
  #last: MachineTime | undefined;
  #busyNs = 0;
  #shownBusyNs = 0;
  #irqNs = 0;
  /** 0 or less: by how much idle, iowait and stolen time grew more than time passed. Taken off the next busy time. */
  #owedNs = 0;
  readonly #unexplained = new Rising();
  #unexplainedNs = 0;

  /**
   * @param keepsIrqApart whether the kernel leaves interrupts out of the time of processes: CONFIG_IRQ_TIME_ACCOUNTING.
   *   Called at most once, when the answer is first needed, because it takes milliseconds
   */
  constructor(keepsIrqApart: () => boolean) {
    this.#askKernel = keepsIrqApart;
  }

  get #keepsIrqApart(): boolean {
    this.#answer ??= this.#askKernel();
    return this.#answer;
  }

  /**
   * Elapsed time × CPUs without idle time, time spent waiting for a disk, and stolen time. The counters of /proc/stat have
   * steps of 10 ms and are not read at the very moment of the groups: where these are ahead, so is this. So it is the sum of
   * groups, remainders and unexplained time at each look, though no part of it falls.
   */
  get busyNs(): number {
    return this.#shownBusyNs;
  }

  get unexplainedNs(): number {
    return this.#unexplained.shown;
  }

  /** By kind; none where the kernel counts interrupts to the process that they interrupt. */
  get remainders(): Partial<Record<Remainder, number>> {
    return this.#keepsIrqApart ? { irq: this.#irqNs } : {};
  }

  /**
   * @param groupsNs CPU time of all groups and ended ones
   * @param ksoftirqdNs of the kernel's threads for soft interrupts, since the last call: /proc/stat has it in `softirqNs` too
   */
  balance(time: MachineTime, groupsNs: number, ksoftirqdNs: number): void {
    const last = this.#last;
    this.#last = time;
    if (!last) return;
    const busyNs = busyBetween(last, time) + this.#owedNs;
    this.#owedNs = Math.min(0, busyNs);
    this.#busyNs += Math.max(0, busyNs);
    if (this.#keepsIrqApart) {
      const irqNs = time.irqNs + time.softirqNs - last.irqNs - last.softirqNs - ksoftirqdNs;
      this.#irqNs += Math.max(0, irqNs);
    }
    const leftNs = this.#busyNs - groupsNs - this.#irqNs;
    this.#unexplained.add(leftNs - this.#unexplainedNs);
    this.#unexplainedNs = leftNs;
    this.#unexplained.settle();
    this.#shownBusyNs = groupsNs + this.#irqNs + this.unexplainedNs;
  }
}
