import { LinnixError } from "../errors.ts";
import { BusyClock } from "../procfs/machine-time.ts";
import type { DaemonAddress } from "./address.ts";
import * as answers from "./daemon-answers.ts";
import { DaemonClient } from "./daemon-client.ts";
import { END_TYPES, type EndType, endedOf } from "./daemon-ends.ts";
import { DaemonRow } from "./daemon-row.ts";
import { EndedTotals } from "./ended.ts";
import { addRate, type Refresh, type Source } from "./model.ts";
import { processState } from "./process-state.ts";

/** Maximum number of processes to request. */
const LIMIT = 10_000;

/** Reads its data from a running daemon. */
export class DaemonSource implements Source {
  readonly #address: DaemonAddress;
  readonly #client: DaemonClient;
  #abort = new AbortController();
  readonly #ended = new EndedTotals();
  readonly #rates: number[] = [];
  #status: answers.Status | undefined;
  #reasons: readonly string[] = [];
  #rows: readonly DaemonRow[] = [];
  #lastMs = performance.now();
  readonly #busyClock = new BusyClock();
  #busyNs: number | null = null;
  #isFollowing = false;
  #streamTrouble: string | null = null;
  /** The type of the events that the current stream sends for ends of processes. */
  #endType: EndType | undefined;

  constructor(address: DaemonAddress, token: string | null) {
    this.#address = address;
    this.#client = new DaemonClient(address, token);
  }

  async start(): Promise<void> {
    await this.#load();
    this.#follow();
    this.#lastMs = performance.now();
    this.#busyNs = this.#busy();
  }

  get isComplete(): boolean {
    return true;
  }

  async refresh(): Promise<Refresh> {
    const seen = this.#status?.seen;
    const trouble = await this.#tryLoad();
    this.#follow();
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    const before = this.#busyNs;
    this.#busyNs = this.#busy();
    const status = this.#status as answers.Status;
    const perSecond =
      trouble !== null || !seen ? null : Math.max(((sum(status.seen) - sum(seen)) / elapsedMs) * 1e3, 0);
    addRate(this.#rates, perSecond);
    const streamTrouble = trouble === null ? this.#streamTrouble : null;
    return {
      atMs: Date.now(),
      elapsedMs,
      source: this.#address.text,
      backend: status.backend,
      missingFields: status.missing_fields,
      cost: {
        userSpacePct: status.cost.cpu_pct,
        inKernelPct: status.cost.in_kernel_cpu_pct,
        budgetPct: status.budget?.budget_pct ?? null,
        level: status.budget?.level ?? 0,
      },
      eventsPerSecond: perSecond,
      rates: this.#rates,
      lost: status.lost,
      processes: this.#rows,
      short: trouble !== null || this.#endsAt(status) === undefined ? null : this.#ended.take(),
      busyNs: before === null || this.#busyNs === null ? null : this.#busyNs - before,
      notes: [trouble, streamTrouble, ...this.#reasons].filter((note) => note !== null),
    };
  }

  freeze(): void {
    for (const row of this.#rows) void row.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
  }

  /** Loads new figures. @returns null, or a text about the error if it failed; the old figures then stay */
  async #tryLoad(): Promise<string | null> {
    try {
      await this.#load();
      return null;
    } catch (error) {
      if (!(error instanceof LinnixError)) throw error;
      return `${error.what}: ${error.why}; these figures are old`;
    }
  }

  async #load(): Promise<void> {
    const client = this.#client;
    const [status, { processes }] = await Promise.all([
      client.get("/status", answers.status),
      client.get(`/processes?limit=${LIMIT}`, answers.processes),
    ]);
    this.#status = status;
    const state = this.#address.isThisMachine ? processState : () => null;
    this.#rows = processes.map((row) => new DaemonRow(row, state));
    const { reasons = [] } = await client.get("/readyz", answers.readiness);
    this.#reasons = reasons;
  }

  /** The type of events for ends of processes at this level of detail; undefined if it reports none. */
  #endsAt({ detail = "events" }: Pick<answers.Status, "detail">): EndType | undefined {
    return END_TYPES[detail];
  }

  /** Follows the ends of processes. Opens the stream again if it has ended, or if the level of detail has changed. */
  #follow(): void {
    const type = this.#status && this.#endsAt(this.#status);
    if (type !== this.#endType) {
      this.#abort.abort();
      this.#abort = new AbortController();
      this.#endType = type;
      this.#isFollowing = false;
      this.#streamTrouble =
        type === undefined
          ? `short-lived processes are missing: the daemon's level of detail is ${this.#status?.detail}`
          : null;
    }
    if (this.#isFollowing || type === undefined) return;
    this.#isFollowing = true;
    const { signal } = this.#abort;
    this.#client
      .follow(`/events?types=${type}`, signal, (data) => {
        this.#streamTrouble = null;
        this.#exited(data);
      })
      .catch((error) => {
        if (signal.aborted) return;
        const why = error instanceof LinnixError ? `: ${error.why}` : "";
        this.#streamTrouble = `short-lived processes are missing${why}`;
      })
      .finally(() => {
        if (!signal.aborted) this.#isFollowing = false;
      });
  }

  #exited(data: unknown): void {
    const parsed = answers.exit.safeParse(data);
    if (!parsed.success) return;
    const { duration_ns } = parsed.data;
    // Uses the clock of this machine, because the daemon may run on another machine.
    if (duration_ns === null || performance.now() - duration_ns / 1e6 < this.#lastMs) return;
    this.#ended.add(endedOf(parsed.data));
  }

  #busy(): number | null {
    return this.#address.isThisMachine ? this.#busyClock.read() : null;
  }
}

function sum({ fork, exec, exit }: { fork: number; exec: number; exit: number }): number {
  return fork + exec + exit;
}
