import { calledProgramIds, readHeldBpf } from "../bpf/bpf-held.ts";
import { ProgramHandles } from "../bpf/bpf-programs.ts";
import { runTimeDifference } from "../bpf/bpf-run-time.ts";
import { enableRunTimeStats, type RunTimeStats } from "../bpf/bpf-stats.ts";
import { KernelPrice } from "./kernel-price.ts";

/** How long the kernel's statistics are on: they cost every run of every BPF program two looks at the clock. */
const MEASURE_MS = 1000;
/** How often at most, and how many events there must have been: of an idle machine there is nothing to learn. */
const EVERY_NS = 60e9;
/** What runs at the start is cold. */
const FIRST_AFTER_NS = 10e9;
const MIN_EVENTS = 100;

/**
 * What this process's own BPF programs cost, by the kernel's statistics: on for a second in a minute at most, and
 * only if there were events. Iterators are left out: they run within this process's own read(2). Needs
 * CAP_SYS_ADMIN at every measurement; without it there is no figure.
 */
export class KernelMeter implements Disposable {
  readonly #countEvents: () => number;
  readonly #programs: ProgramHandles;
  readonly #price: KernelPrice;
  #lastNs: number;
  #lastEvents: number;
  #stats: RunTimeStats | undefined;
  #timer: Timer | undefined;
  #isRefused = false;

  /**
   * Holds the programs that this process has attached now.
   * @param countEvents returns the kernel side's count of the events that it has seen
   * @throws LinnixError if the programs cannot be read
   */
  constructor(countEvents: () => number, nowNs: number) {
    this.#countEvents = countEvents;
    const called = new Set(calledProgramIds("self"));
    this.#programs = new ProgramHandles(readHeldBpf("self").programIds.filter((id) => !called.has(id)));
    this.#lastNs = nowNs - EVERY_NS + FIRST_AFTER_NS;
    this.#lastEvents = countEvents();
    this.#price = new KernelPrice(this.#lastEvents);
  }

  /** Time in the kernel half so far, ns; null if it is not known (yet). */
  ns(): number | null {
    return this.#price.ns(this.#countEvents());
  }

  get nsPerEvent(): number | null {
    return this.#price.nsPerEvent;
  }

  get isMeasuring(): boolean {
    return this.#stats !== undefined;
  }

  /** Measures where it is time to. Call it now and then. */
  tick(nowNs: number): void {
    if (this.#stats || this.#isRefused || nowNs - this.#lastNs < EVERY_NS) return;
    const events = this.#countEvents();
    if (events - this.#lastEvents < MIN_EVENTS) return;
    this.#lastNs = nowNs;
    this.#lastEvents = events;
    try {
      this.#stats = enableRunTimeStats();
      const before = this.#programs.read();
      this.#timer = setTimeout(() => this.#finish(before, events), MEASURE_MS);
    } catch {
      // No permission, or a kernel without: then there is no figure, as the figure's null says.
      this.#isRefused = true;
      this.#stop();
    }
  }

  #finish(before: ReturnType<ProgramHandles["read"]>, eventsBefore: number): void {
    try {
      const { runNs } = runTimeDifference(before, this.#programs.read());
      const events = this.#countEvents();
      this.#price.measured(events, events - eventsBefore, runNs);
    } catch {
      this.#isRefused = true;
    } finally {
      this.#stop();
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stats?.close();
    this.#stats = undefined;
  }

  close(): void {
    this.#isRefused = true;
    this.#stop();
    this.#programs.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
