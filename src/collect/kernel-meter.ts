import { calledProgramIds, readHeldBpf } from "../bpf/bpf-held.ts";
import { ProgramHandles } from "../bpf/bpf-programs.ts";
import { runTimeDifference } from "../bpf/bpf-run-time.ts";
import { enableRunTimeStats, type RunTimeStats } from "../bpf/bpf-stats.ts";
import { KernelPrice } from "./kernel-price.ts";

/**
 * How long the kernel's run-time statistics are on, ms. While they are on, each run of any BPF program reads the clock
 * twice.
 */
const MEASURE_MS = 1000;
/** The shortest time between two measurements, ns. */
const EVERY_NS = 60e9;
/** The first measurement is this long after the start, ns, because programs first run with cold caches. */
const FIRST_AFTER_NS = 10e9;
/** With fewer events since the last measurement, there is no new one: the price would be inexact. */
const MIN_EVENTS = 100;

/**
 * Measures the CPU time of this process's own BPF programs by the kernel's run-time statistics. It switches these on
 * for one second a minute at most, and only if there were events. It leaves out iterators, because they run within
 * read(2) of this process and so are in its own CPU time. Each measurement needs CAP_SYS_ADMIN. If the kernel refuses
 * it, the last price stays in use, or there is none.
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
   * Opens the programs that this process has attached.
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

  /** CPU time of the kernel side since this object was created, ns; null before the first measurement. */
  ns(): number | null {
    return this.#price.ns(this.#countEvents());
  }

  get nsPerEvent(): number | null {
    return this.#price.nsPerEvent;
  }

  get isMeasuring(): boolean {
    return this.#stats !== undefined;
  }

  /** Starts a measurement if one is due. Call it regularly. */
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
      // linnix has no permission, or the kernel has no such statistics. No further measurement is tried.
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
