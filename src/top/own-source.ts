import { Collector } from "../collect/collector.ts";
import type { CollectorEvents } from "../collect/collector-events.ts";
import { collectorOptions } from "../collect/run.ts";
import { Spending } from "../collect/spending.ts";
import type { CollectConfig } from "../config/schema.ts";
import { textOf } from "../json/text.ts";
import type { EventView } from "../process/event-view.ts";
import { Identity } from "../process/identity.ts";
import { redactorOf } from "../process/redact.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { BusyClock } from "../procfs/machine-time.ts";
import { boottimeNs, ownCpuNs } from "../sys/clock.ts";
import { figuresOfEnded, isEnd, startOfEnded } from "../totals/ended.ts";
import { shortfalls } from "../wire/shortfalls.ts";
import { EndedTotals } from "./ended.ts";
import { addRate, groupName, type OwnCost, type Refresh, type Source } from "./model.ts";
import { OwnRow } from "./own-rows.ts";

interface Reading {
  ns: number;
  cpuNs: number;
  inKernelNs: number | null;
  events: number;
  busyNs: number | null;
}

/** Collects itself, without a daemon. */
export class OwnSource implements Source, CollectorEvents {
  readonly #collector: Collector;
  readonly #identity: Identity;
  readonly #config: CollectConfig;
  readonly #resources = new DisposableStack();
  readonly #ended = new EndedTotals();
  readonly #busy = new BusyClock();
  readonly #rates: number[] = [];
  /** Rows that each refresh reuses. */
  readonly #pool: OwnRow[] = [];
  #rows: OwnRow[] = [];
  #spending: Spending | undefined;
  #last: Reading | undefined;

  /**
   * Loads the BPF programs, but does not attach them yet.
   * @throws LinnixError (exit code 3) if linnix cannot run here
   */
  constructor(config: CollectConfig) {
    this.#config = config;
    using resources = new DisposableStack();
    this.#collector = resources.use(new Collector(collectorOptions(config), this));
    this.#collector.table.redact = redactorOf(config.redaction);
    this.#identity = resources.use(new Identity(this.#collector.table));
    this.#collector.identity = this.#identity;
    this.#identity.reportNamespace(this.#collector.conditions);
    this.#resources = resources.move();
  }

  async start(): Promise<void> {
    this.#collector.start();
    this.#identity.lookAround();
    this.#spending = this.#resources.use(
      new Spending(
        this.#collector,
        this.#config,
        () => 0,
        () => {},
      ),
    );
    this.#last = this.#read();
  }

  /** Counts the end of a process that started after the last refresh, so that no refresh has shown it. */
  event(view: EventView): void {
    if (!isEnd(view) || !this.#last) return;
    const startNs = startOfEnded(view);
    if (startNs === null || startNs < this.#last.ns) return;
    this.#ended.add({
      comm: textOf(view.comm),
      group: groupName(this.#identity.ofEvent(view)),
      ...figuresOfEnded(view),
    });
  }

  idle(): void {
    this.#spending?.tick();
    this.#identity.flushed();
  }

  get isComplete(): boolean {
    const { table } = this.#collector;
    const slot = table.findLive(process.pid);
    return slot === NO_SLOT || table.cpuPct(slot) !== undefined;
  }

  async refresh(): Promise<Refresh> {
    const collector = this.#collector;
    collector.drain();
    collector.checkImages();
    const before = this.#last as Reading;
    const now = this.#read();
    this.#last = now;
    const elapsedMs = (now.ns - before.ns) / 1e6;
    // The live view draws its first refresh immediately. In this short time, the start of linnix is most of its cost.
    const isShort = elapsedMs < this.#config.sampling.intervalMs / 2;
    const perSecond = isShort ? null : ((now.events - before.events) / elapsedMs) * 1e3;
    addRate(this.#rates, perSecond);
    const { name, missingFields } = collector.backend;
    const { lost_by_type } = collector.counts();
    return {
      atMs: Date.now(),
      elapsedMs,
      source: "this machine",
      backend: name,
      missingFields,
      cost: this.#cost(before, now, isShort ? null : elapsedMs),
      eventsPerSecond: perSecond,
      rates: this.#rates,
      lost: lost_by_type.fork + lost_by_type.exec + lost_by_type.exit,
      processes: this.#fill(),
      short: this.#ended.take(),
      busyNs: now.busyNs === null || before.busyNs === null ? null : now.busyNs - before.busyNs,
      notes: [...collector.conditions.active.values(), ...shortfalls(name, missingFields, this.#spending?.step)],
    };
  }

  freeze(): void {
    for (const row of this.#rows) row.freeze();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#resources.dispose();
  }

  #fill(): readonly OwnRow[] {
    const { table } = this.#collector;
    let count = 0;
    for (const slot of table.liveSlots()) {
      let row = this.#pool[count];
      if (row === undefined) {
        row = new OwnRow(table, this.#identity);
        this.#pool.push(row);
      }
      row.take(slot);
      this.#rows[count++] = row;
    }
    this.#rows.length = count;
    return this.#rows;
  }

  #read(): Reading {
    const { fork, exec, exit } = this.#collector.received;
    return {
      ns: boottimeNs(),
      cpuNs: ownCpuNs(),
      inKernelNs: this.#spending?.inKernelNs ?? null,
      events: fork + exec + exit,
      busyNs: this.#busy.read(),
    };
  }

  #cost(before: Reading, now: Reading, elapsedMs: number | null): OwnCost {
    const pct = (from: number | null, to: number | null) =>
      elapsedMs === null || from === null || to === null ? null : Math.max(to - from, 0) / elapsedMs / 1e4;
    return {
      userSpacePct: pct(before.cpuNs, now.cpuNs),
      inKernelPct: pct(before.inKernelNs, now.inKernelNs),
      budgetPct: this.#config.budget.cpuPct || null,
      level: this.#spending?.level ?? 0,
    };
  }
}
