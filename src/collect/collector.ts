import { constants, setPriority } from "node:os";
import type { BackendChoice } from "../config/sections/probes.ts";
import { boottimeNs, realtimeOffsetNs } from "../libbpf/clock.ts";
import { EventLoopSleep } from "../libbpf/event-loop.ts";
import { dropCleanFilePages, trimHeap } from "../libbpf/memory.ts";
import { PerfBuffer } from "../libbpf/perf-buffer.ts";
import { Backend, chooseBackend, type ProbeOptions, TIMESTAMP_OFFSET } from "../probes/backend.ts";
import { btfBackend } from "../probes/btf-backend.ts";
import type { KernelCounts } from "../probes/counters.ts";
import { type PageFaultCounts, PageFaultProbe } from "../probes/page-faults.ts";
import { tracepointBackend } from "../probes/tracepoint-backend.ts";
import { EventView, type PlaceOfEvent } from "../process/event-view.ts";
import { NO_IMAGE } from "../process/image-store.ts";
import { openProcessLister, type ProcessLister } from "../process/live-processes.ts";
import { readProcImage } from "../process/proc-image.ts";
import { ProcessTable } from "../process/table.ts";
import { WallClock } from "../process/wall-clock.ts";
import { PerfRing } from "../ring/perf-ring.ts";
import { RingSet } from "../ring/ring-set.ts";
import { openSampler } from "../sampling/open.ts";
import { SampleFilter } from "../sampling/sample-filter.ts";
import type { Sampler } from "../sampling/sampler.ts";
import { Sampling, type SamplingCounts } from "../sampling/sampling.ts";
import type { CountByType, LostEvent } from "../wire/event.ts";
import { EVENT_EXEC, EVENT_EXIT, EVENT_FORK, EVENT_PAGE_FAULT, PROCESS_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { Garbage } from "./garbage.ts";

export interface CollectorOptions extends ProbeOptions {
  backend: BackendChoice;
  /** Whether page faults are told of as well. */
  pageFaults?: boolean;
  ringBytes: number;
  watermarkBytes: number;
  flushIntervalMs: number;
  lingerMs: number;
  /** Time between two sweeps over the CPU time and memory of all processes; 0: none. */
  sampleIntervalMs: number;
  /** What the memory of a process that did not run must move by to be told of, bytes. */
  rssThresholdBytes: number;
}

/** What the collector calls while it runs. */
export interface CollectorEvents {
  /** One event; the view is void after the call. */
  event(view: EventView): void;
  /** A process that ran since the sweep before, or whose memory moved; the view is void after the call. */
  sample?(view: EventView): void;
  /** Records were lost. */
  lost?(event: LostEvent): void;
  /** The rings are empty for now. */
  idle(): void;
  /** Whether events can be taken now; while not, they wait in the rings, and what does not fit is counted as lost. */
  ready?(): boolean;
  /** How long nobody else needs this thread, ms: so long it may sleep without going round the event loop. */
  freeMs?(): number;
}

/** How often the table is held against what really runs, and the wall clock taken anew. */
const RECONCILE_MS = 60_000;
/** The table is checked sooner when it has grown by so many beyond twice what it held after the last check. */
const RECONCILE_GROWTH = 4096;
/** After so long the event loop has its turn in any case. */
const MAX_REST_MS = 8000;
/** To find what can be let go of takes milliseconds; what a minute has touched is little. */
const RECONCILES_PER_DROP = 10;
/** Flush intervals after which what was needed only to start will not be needed soon. */
const SETTLED_TICKS = 3;
/** Processes that are entered at the start between two looks at the rings. */
const DRAIN_EVERY = 16;
/** A descendant may be forked while `--pid` looks for descendants: so many looks until none is new. */
const MAX_DESCENDANT_LOOKS = 8;

/**
 * On a machine with more to run than it has CPUs the reader must still come in
 * time, and it wants little: this thread goes before others, the runtime's
 * helpers do not.
 */
function preferThisThread(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch {
    // Without CAP_SYS_NICE it goes as all others do.
  }
}

/**
 * The way from the kernel's rings to events in order, with the process table
 * beside it. Everything runs on this thread: at a watermark's signal, and every
 * flush interval.
 */
export class Collector implements Disposable {
  readonly backend: Backend;
  readonly table: ProcessTable;
  readonly #options: CollectorOptions;
  readonly #events: CollectorEvents;
  readonly #buffer: PerfBuffer;
  readonly #rings: RingSet;
  readonly #clock = new WallClock(realtimeOffsetNs());
  #flushIntervalMs: number;
  readonly #view: EventView;
  readonly #wanted: ReadonlySet<number>;
  readonly #received: CountByType = { fork: 0, exec: 0, exit: 0 };
  /** Left out where nobody asked for page faults. */
  #pageFaults: PageFaultProbe | undefined;
  #receivedPageFaults = 0;
  #lister: ProcessLister | undefined;
  #timer: Timer | undefined;
  /** When the rings are looked at next, by performance.now(). */
  #dueMs = 0;
  #sleep: EventLoopSleep | null = null;
  readonly #sampleFilter: SampleFilter;
  /** Whether samples are wanted of some processes and their descendants only. */
  readonly #follows: boolean;
  #sampling: Sampling | undefined;
  #sampleIntervalMs: number;
  /** Where sweeps do not fall together with flushes they have a timer of their own. */
  #sampleTimer: Timer | undefined;
  /** 0: no sweep with a flush. */
  #flushesPerSweep = 0;
  #flushes = 0;
  #lastReconcileMs = 0;
  #liveAfterReconcile = 0;
  readonly #toldLost = new Map<number, number>();
  readonly #garbage = new Garbage();
  #wakeups = 0;
  #reconciles = 0;
  #ticks = 0;
  #closed = false;
  readonly #onSignal = () => {
    this.#wakeups++;
    this.drain();
  };
  readonly #consume = (record: Record) => {
    const type = record.u8(PROCESS_EVENT.type);
    if (type === EVENT_PAGE_FAULT) {
      this.#pageFault(record);
      return;
    }
    if (type === EVENT_FORK) this.#received.fork++;
    else if (type === EVENT_EXEC) this.#received.exec++;
    else this.#received.exit++;
    this.#view.accept(record);
    if (this.#follows) this.#follow(type);
    // An exec may have been sent for the sake of the exits only.
    if (this.#wanted.has(type)) this.#events.event(this.#view);
  };

  /**
   * Loads the kernel half; nothing is attached yet.
   * @throws LinnixError (exit code 3) when it cannot run here
   */
  constructor(options: CollectorOptions, events: CollectorEvents) {
    this.#options = options;
    this.#events = events;
    this.#flushIntervalMs = options.flushIntervalMs;
    this.#sampleIntervalMs = options.sampleIntervalMs;
    this.#follows = options.filters.pids.length > 0;
    this.table = new ProcessTable({ lingerNs: options.lingerMs * 1e6 });
    this.#view = new EventView(this.table, this.#clock);
    const types = { fork: 1, exec: 2, exit: 3 } as const;
    this.#wanted = new Set(options.events.map((type) => types[type]));
    const kind = chooseBackend(options.backend) === "btf" ? btfBackend() : tracepointBackend();
    this.backend = new Backend(kind, options);
    try {
      this.#sampleFilter = new SampleFilter(options.filters);
      if (options.pageFaults) this.#pageFaults = new PageFaultProbe(this.backend);
      this.#buffer = new PerfBuffer(this.backend.eventsMapFd, {
        ringBytes: options.ringBytes,
        watermarkBytes: options.watermarkBytes,
      });
    } catch (error) {
      this.#pageFaults?.close();
      this.backend.close();
      throw error;
    }
    this.#rings = new RingSet(
      this.#buffer.rings.map((mapping) => new PerfRing(mapping)),
      { timestampOffset: TIMESTAMP_OFFSET, now: boottimeNs },
    );
  }

  /** Records that reached user space, by type. */
  get received(): Readonly<CountByType> {
    return this.#received;
  }

  /** Events given out after a younger one. */
  get outOfOrder(): number {
    return this.#rings.outOfOrder;
  }

  /** Times that a ring's watermark woke this process. */
  get wakeups(): number {
    return this.#wakeups;
  }

  /** The kernel's own counts so far. */
  counts(): KernelCounts {
    return this.backend.counts();
  }

  /** Counts of page faults, with those that reached user space; null where they are not told of. */
  get pageFaultCounts(): (PageFaultCounts & { received: number }) | null {
    if (!this.#pageFaults) return null;
    const { seen, emitted, lost, suppressed } = this.#pageFaults.counts();
    return { seen, emitted, received: this.#receivedPageFaults, lost, suppressed };
  }

  /** Who is asked where the process of an event belongs; undefined: nobody. */
  set identity(identity: PlaceOfEvent | undefined) {
    this.#view.identity = identity;
  }

  /** Who tells of CPU time and memory; null where nobody is asked. */
  get samplingSource(): Sampler["source"] | null {
    return this.#sampling?.source ?? null;
  }

  /** What the present sampler has done so far; null where there is none. */
  get samplingCounts(): Readonly<SamplingCounts> | null {
    return this.#sampling?.counts ?? null;
  }

  /** Attaches, enters what already runs into the table, and starts to read. */
  start(): void {
    preferThisThread();
    process.on("SIGIO", this.#onSignal);
    this.#buffer.signalOnWatermark();
    this.#lister = openProcessLister();
    this.attach();
    this.#seed();
    this.#sleep = this.#events.freeMs ? EventLoopSleep.open() : null;
    this.#dueMs = performance.now() + this.#flushIntervalMs;
    this.#arm();
    this.#schedule();
    trimHeap();
  }

  /** Puts all probes on. */
  attach(): void {
    this.backend.attach();
    this.#pageFaults?.attach();
  }

  /** Takes all probes off: no program starts after this; one that runs may still end. */
  detach(): void {
    this.#pageFaults?.detach();
    this.backend.detach();
  }

  /** Empties the rings every so many ms from now on. */
  setFlushInterval(flushIntervalMs: number): void {
    if (flushIntervalMs === this.#flushIntervalMs) return;
    this.#flushIntervalMs = flushIntervalMs;
    if (!this.#timer) return;
    this.#dueMs = Math.min(this.#dueMs, performance.now() + flushIntervalMs);
    this.#arm();
    this.#schedule();
  }

  /** Sweeps over all processes every so many ms from now on; 0: no more, and what it took is given back. */
  setSampleInterval(sampleIntervalMs: number): void {
    if (sampleIntervalMs === this.#sampleIntervalMs) return;
    this.#sampleIntervalMs = sampleIntervalMs;
    if (this.#timer) this.#schedule();
  }

  /** Gives out what the rings hold. */
  drain(): void {
    if (this.#take()) this.#events.idle();
  }

  /** The events that the rings hold; false where nobody can take them now. */
  #take(): boolean {
    if (this.#closed || this.#events.ready?.() === false) return false;
    // At rest the rings are empty, and nothing can have been lost: the way of most looks costs next to nothing.
    if (this.#rings.isEmpty()) return true;
    this.#rings.drain(this.#consume);
    this.#tellLosses();
    return true;
  }

  /** Lets sweeps fall together with flushes where the intervals allow it: every wake-up costs. */
  #schedule(): void {
    if (this.#sampleTimer) clearInterval(this.#sampleTimer);
    this.#sampleTimer = undefined;
    const intervalMs = this.#sampleIntervalMs;
    if (intervalMs === 0) {
      this.#endSampling();
      return;
    }
    if (!this.#sampling) {
      this.#sampling = new Sampling(openSampler({ rssThresholdBytes: this.#options.rssThresholdBytes }), {
        view: this.#view,
        drain: () => void this.#take(),
        wants: (view) => this.#sampleFilter.wants(view),
        sample: (view) => this.#giveSample(view),
      });
      this.#sampling.sweep();
    }
    this.#flushesPerSweep = intervalMs % this.#flushIntervalMs === 0 ? intervalMs / this.#flushIntervalMs : 0;
    this.#flushes = 0;
    if (this.#flushesPerSweep > 0) return;
    this.#sampleTimer = setInterval(() => {
      const isReady = this.#take();
      this.#sampling?.sweep();
      if (isReady) this.#events.idle();
    }, intervalMs);
  }

  #endSampling(): void {
    this.#flushesPerSweep = 0;
    if (!this.#sampling) return;
    this.#sampling[Symbol.dispose]();
    this.#sampling = undefined;
    this.table.endSweeps();
  }

  #giveSample(view: EventView): boolean {
    if (this.#events.ready?.() === false) return false;
    this.#events.sample?.(view);
    return true;
  }

  /** Apart from the other types: their sums have to come out without it. */
  #pageFault(record: Record): void {
    this.#receivedPageFaults++;
    this.#view.accept(record);
    if (this.#sampleFilter.wants(this.#view)) this.#events.event(this.#view);
  }

  #follow(type: number): void {
    if (type === EVENT_FORK) this.#sampleFilter.forked(this.#view.pid, this.#view.ppid);
    else if (type === EVENT_EXIT) this.#sampleFilter.exited(this.#view.pid);
  }

  /**
   * Detaches and gives out what is left, so that the kernel's count of what it
   * handed over is what was received and lost, to the event.
   */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#sampleTimer) clearInterval(this.#sampleTimer);
    this.#timer = undefined;
    this.#sampleTimer = undefined;
    this.detach();
    // A program that was running when it was detached on another CPU may still be about to write.
    for (let look = 0; look < 50; look++) {
      await Bun.sleep(2);
      this.#rings.drainAll(this.#consume);
      if (this.isBalanced()) break;
    }
    this.#tellLosses();
    this.#events.idle();
  }

  /** Whether emitted = received + lost, for every type. */
  isBalanced(): boolean {
    const { emitted, lost } = this.counts();
    const faults = this.pageFaultCounts;
    if (faults && faults.emitted !== faults.received + faults.lost) return false;
    return (["fork", "exec", "exit"] as const).every((type) => emitted[type] === this.#received[type] + lost[type]);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#sampleTimer) clearInterval(this.#sampleTimer);
    this.#endSampling();
    process.off("SIGIO", this.#onSignal);
    this.#lister?.[Symbol.dispose]();
    this.#pageFaults?.close();
    this.#buffer.close();
    this.backend.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Tells of each CPU's losses since the last look, by the kernel side's own count. */
  #tellLosses(): void {
    for (const { cpu, lost } of this.#lostByCpu()) {
      const count = lost - (this.#toldLost.get(cpu) ?? 0);
      if (count === 0) continue;
      this.#toldLost.set(cpu, lost);
      const ts_ns = BigInt(boottimeNs());
      this.#clock.set(Number(ts_ns >> 32n), Number(ts_ns & 0xffffffffn));
      this.#events.lost?.({ type: "lost", time: this.#clock.text, ts_ns, cpu, count });
    }
  }

  #lostByCpu(): { cpu: number; lost: number }[] {
    const lostByCpu = this.backend.lostByCpu();
    for (const { cpu, lost } of this.#pageFaults?.lostByCpu() ?? []) {
      const there = lostByCpu.find((entry) => entry.cpu === cpu);
      if (there) there.lost += lost;
      else lostByCpu.push({ cpu, lost });
    }
    return lostByCpu;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, this.#dueMs - performance.now()));
  }

  /** One look at the rings, and as many more as this thread is free for: a turn of the event loop costs more. */
  #turn(): void {
    const untilMs = performance.now() + MAX_REST_MS;
    do {
      this.#tick();
      if (this.#closed) return;
      // From deadline to deadline; those that were missed are not made up for.
      this.#dueMs = Math.max(this.#dueMs + this.#flushIntervalMs, performance.now());
    } while (this.#rest(untilMs));
    if (this.#timer) this.#arm();
  }

  /** Sleeps until the next look is due; false where the event loop must have its turn before. */
  #rest(untilMs: number): boolean {
    if (!this.#sleep || !this.#timer || this.#sampleTimer || this.#dueMs > untilMs) return false;
    const waitMs = this.#dueMs - performance.now();
    return (this.#events.freeMs?.() ?? 0) >= waitMs && (waitMs <= 0 || this.#sleep.for(waitMs));
  }

  #tick(): void {
    const isReady = this.#take();
    if (this.#closed) return;
    if (this.#flushesPerSweep > 0 && ++this.#flushes >= this.#flushesPerSweep) {
      this.#flushes = 0;
      this.#sampling?.sweep();
    }
    // One hand-over for the events and the samples.
    if (isReady) this.#events.idle();
    if (++this.#ticks === SETTLED_TICKS) {
      dropCleanFilePages();
      Bun.gc(true);
    }
    const { fork, exec, exit } = this.#received;
    this.#garbage.tick(fork + exec + exit);
    const nowNs = boottimeNs();
    this.table.expire(nowNs);
    const nowMs = nowNs / 1e6;
    const hasGrown = this.table.live > 2 * this.#liveAfterReconcile + RECONCILE_GROWTH;
    if (nowMs - this.#lastReconcileMs >= RECONCILE_MS || hasGrown) {
      this.#clock.adjust(realtimeOffsetNs());
      this.#reconcile();
      this.#garbage.rest(fork + exec + exit);
      if (++this.#reconciles % RECONCILES_PER_DROP === 0) dropCleanFilePages();
    }
  }

  /** Enters what runs already, after attaching: what is forked from here on tells of itself. */
  #seed(): void {
    const { table } = this;
    const pids = new Set(this.#options.filters.pids);
    let listed = 0;
    for (let look = 0; look < MAX_DESCENDANT_LOOKS; look++) {
      const before = pids.size;
      this.#lister?.list((record) => {
        const slot = table.seed(record);
        if (table.image(slot) === NO_IMAGE) this.#seedImage(slot);
        if (pids.has(record.u32(PROCESS_EVENT.ppid))) pids.add(record.u32(PROCESS_EVENT.pid));
        // Events come already, and no signal is handled before this ends: the rings must not fill up.
        if (++listed % DRAIN_EVERY === 0) this.drain();
      });
      if (pids.size === before) break;
      for (const pid of pids) this.backend.trackPid(pid);
    }
    if (this.#follows) for (const pid of pids) this.#sampleFilter.follow(pid);
    this.#lastReconcileMs = boottimeNs() / 1e6;
    this.#liveAfterReconcile = table.live;
  }

  #seedImage(slot: number): void {
    const { table } = this;
    const startNs = table.startHigh(slot) * 4294967296 + table.startLow(slot);
    const image = readProcImage(table.pid(slot), startNs, this.#options.maxArgsBytes);
    if (image) table.setImage(slot, image.exe, image.args, image.argsCut);
  }

  /** Holds the table against what really runs: an exit that was lost must not leave its process there for ever. */
  #reconcile(): void {
    const { table } = this;
    if (!this.#lister) return;
    const startedNs = boottimeNs();
    const running = new Set<number>();
    this.#lister.list((record) => {
      running.add(table.seed(record));
    });
    // What was born while the list was made may be missing from it; its events are in the rings.
    this.drain();
    for (const slot of table.liveSlots()) {
      if (running.has(slot) || (table.bornNs(slot) ?? 0) >= startedNs) continue;
      table.reconcileGone(slot, startedNs);
    }
    this.#lastReconcileMs = startedNs / 1e6;
    this.#liveAfterReconcile = table.live;
  }
}
