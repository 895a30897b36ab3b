import type { Place } from "../cgroup/place.ts";
import { LinnixError } from "../errors.ts";
import { NS_PER_CLOCK_TICK } from "../procfs/proc-stat.ts";
import { readSystemCpu } from "../procfs/system-cpu.ts";
import type { DaemonAddress } from "./address.ts";
import * as answers from "./daemon-answers.ts";
import { DaemonClient } from "./daemon-client.ts";
import { EndedTotals } from "./ended.ts";
import { addRate, groupName, keyText, type ProcessRow, type Refresh, type Source } from "./model.ts";
import { processState } from "./process-state.ts";

/** Most processes that the daemon lists. */
const LIMIT = 10_000;

/** A row of the daemon's list. */
class DaemonRow implements ProcessRow {
  readonly #row: answers.Row;
  readonly #isLocal: boolean;
  readonly startNs: bigint | null;
  readonly place: Place;
  #state: string | null | undefined;

  constructor(row: answers.Row, isLocal: boolean) {
    this.#row = row;
    this.#isLocal = isLocal;
    this.startNs = row.start_ns === null ? null : BigInt(row.start_ns);
    this.place = placeOf(row);
  }

  get key(): string {
    return keyText(this.pid, this.startNs);
  }

  get pid(): number {
    return this.#row.pid;
  }

  get ppid(): number | null {
    return this.#row.ppid;
  }

  get uid(): number {
    return this.#row.uid;
  }

  get user(): string | null {
    return this.#row.user;
  }

  get cpuPct(): number | null {
    return this.#row.cpu_pct;
  }

  get rssBytes(): number | null {
    return this.#row.rss_bytes;
  }

  get threads(): number | null {
    return this.#row.threads;
  }

  get comm(): string {
    return this.#row.comm;
  }

  get exe(): string | null {
    return this.#row.exe;
  }

  get args(): readonly string[] | null {
    return this.#row.args;
  }

  get argsTruncated(): boolean | null {
    return this.#row.args_truncated;
  }

  get state(): string | null {
    if (this.#state === undefined) this.#state = this.#isLocal ? processState(this.pid, this.startNs) : null;
    return this.#state;
  }
}

/** Reads a running daemon. */
export class DaemonSource implements Source {
  readonly #address: DaemonAddress;
  readonly #client: DaemonClient;
  readonly #abort = new AbortController();
  readonly #ended = new EndedTotals();
  readonly #rates: number[] = [];
  #status: answers.Status | undefined;
  #reasons: readonly string[] = [];
  #rows: readonly DaemonRow[] = [];
  #lastMs = performance.now();
  #busyNs: number | null = null;
  #isFollowing = false;
  #streamTrouble: string | null = null;
  /** The type of the events that report the end of a process. */
  #endType: "exit" | "process" = "exit";
  /** Streams that were refused since the last event. */
  #refusals = 0;

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
    this.#follow();
    const received = this.#status?.received;
    const trouble = await this.#tryLoad();
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    const before = this.#busyNs;
    this.#busyNs = this.#busy();
    const status = this.#status as answers.Status;
    const perSecond =
      trouble !== null || !received ? null : Math.max(((sum(status.received) - sum(received)) / elapsedMs) * 1e3, 0);
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
      short: this.#ended.take(),
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

  /** @returns what went wrong: the figures are those of the time before then */
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
    this.#rows = processes.map((row) => new DaemonRow(row, this.#address.isThisMachine));
    const { reasons = [] } = await client.get("/readyz", answers.readiness);
    this.#reasons = reasons;
  }

  /** Follows the ends of processes, again where the stream has ended. */
  #follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    this.#client
      .follow(`/events?types=${this.#endType}`, this.#abort.signal, (data) => {
        this.#streamTrouble = null;
        this.#refusals = 0;
        this.#exited(data);
      })
      .then(
        () => undefined,
        (error) => {
          const why = error instanceof LinnixError ? `: ${error.why}` : "";
          // Each level of detail sends one of the two types at most, and the daemon may change its level.
          this.#endType = this.#endType === "exit" ? "process" : "exit";
          if (++this.#refusals > 1) this.#streamTrouble = `short-lived processes are missing${why}`;
        },
      )
      .finally(() => {
        this.#isFollowing = false;
      });
  }

  #exited(data: unknown): void {
    const parsed = answers.exit.safeParse(data);
    if (!parsed.success) return;
    const { comm, duration_ns, cpu_user_ns, cpu_system_ns, peak_rss_bytes, ...place } = parsed.data;
    // By this clock: the daemon may run on a machine with another one.
    if (duration_ns === null || performance.now() - duration_ns / 1e6 < this.#lastMs) return;
    this.#ended.add({
      comm,
      group: groupName(placeOf(place)),
      cpuNs: cpu_user_ns === null || cpu_system_ns === null ? null : cpu_user_ns + cpu_system_ns,
      peakRssBytes: peak_rss_bytes,
    });
  }

  #busy(): number | null {
    const system = this.#address.isThisMachine ? readSystemCpu() : null;
    return system === null ? null : (system.userTicks + system.systemTicks) * NS_PER_CLOCK_TICK;
  }
}

function sum({ fork, exec, exit }: { fork: number; exec: number; exit: number }): number {
  return fork + exec + exit;
}

type PlaceOfAnswer = Pick<answers.Row, "container"> & {
  cgroup?: string | null | undefined;
  unit?: string | null | undefined;
};

function placeOf({ cgroup, container, unit }: PlaceOfAnswer): Place {
  return {
    cgroup: cgroup ?? null,
    container: (container as Place["container"]) ?? null,
    pod_uid: null,
    unit: unit ?? null,
  };
}
