import { busyBetween, type MachineTime } from "../procfs/machine-time.ts";
import { Rising } from "./rising.ts";

/** Kinds of CPU time that belongs to no group. */
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
  /**
   * 0 or negative: the counted idle, iowait and stolen time grew this much more than the elapsed time, ns. It is
   * subtracted from the next busy time.
   */
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
   * The machine's busy time, ns: elapsed time × CPUs, minus idle time, iowait and stolen time. The counters of
   * /proc/stat have steps of 10 ms, and are read at another moment than the groups. If the groups are ahead of the
   * counters, so is this value. So at each look it is the sum of groups, remainders and unexplained time, and none of
   * these ever falls.
   */
  get busyNs(): number {
    return this.#shownBusyNs;
  }

  get unexplainedNs(): number {
    return this.#unexplained.shown;
  }

  /** Remainders by kind, ns. Empty if the kernel counts interrupts as time of the process that they interrupt. */
  get remainders(): Partial<Record<Remainder, number>> {
    return this.#keepsIrqApart ? { irq: this.#irqNs } : {};
  }

  /**
   * @param groupsNs CPU time of all groups, including ended ones
   * @param ksoftirqdNs CPU time of the kernel's threads for soft interrupts since the last call. `softirqNs` of
   *   /proc/stat includes it
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
