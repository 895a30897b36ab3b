import type { Place } from "../cgroup/place.ts";
import type { Identity } from "../process/identity.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { keyText, type ProcessRow } from "./model.ts";
import { processState } from "./process-state.ts";

const NOWHERE: Place = { cgroup: null, container: null, pod_uid: null, unit: null };

/** A row for a process of the process table. Figures are copied at each refresh. Texts are read at their first use. */
export class OwnRow implements ProcessRow {
  pid = 0;
  ppid: number | null = null;
  uid = 0;
  cpuPct: number | null = null;
  rssBytes: number | null = null;
  threads: number | null = null;
  readonly #table: ProcessTable;
  readonly #identity: Identity;
  #startLow = 0;
  #startHigh = 0;
  #startNs: bigint | null | undefined;
  #key: string | undefined;
  #comm: string | undefined;
  #exe: string | null | undefined;
  #args: string[] | null | undefined;
  #state: string | null | undefined;
  #place: Place | undefined;

  constructor(table: ProcessTable, identity: Identity) {
    this.#table = table;
    this.#identity = identity;
  }

  /** Makes this the row of the process at that slot, which usually is the same process as before. */
  take(slot: number): void {
    const table = this.#table;
    const pid = table.pid(slot);
    const startLow = table.startLow(slot);
    const startHigh = table.startHigh(slot);
    if (pid !== this.pid || startLow !== this.#startLow || startHigh !== this.#startHigh) {
      this.#key = undefined;
      this.#startNs = undefined;
    }
    this.pid = pid;
    this.#startLow = startLow;
    this.#startHigh = startHigh;
    this.ppid = table.ppid(slot) ?? null;
    this.uid = table.uid(slot);
    this.cpuPct = table.cpuPct(slot) ?? null;
    this.rssBytes = table.rssBytes(slot) ?? null;
    this.threads = table.threads(slot) ?? null;
    this.#comm = undefined;
    this.#exe = undefined;
    this.#args = undefined;
    this.#state = undefined;
    this.#place = undefined;
  }

  /** Reads all values now that are otherwise read at their first use. */
  freeze(): void {
    void this.comm;
    void this.exe;
    void this.args;
    void this.state;
    void this.place;
  }

  get startNs(): bigint | null {
    if (this.#startNs === undefined) {
      const ns = (BigInt(this.#startHigh) << 32n) | BigInt(this.#startLow);
      this.#startNs = ns === 0n ? null : ns;
    }
    return this.#startNs;
  }

  get key(): string {
    this.#key ??= keyText(this.pid, this.startNs);
    return this.#key;
  }

  get user(): string | null {
    return this.#identity.userName(this.uid);
  }

  get comm(): string {
    this.#comm ??= this.#look((slot) => this.#table.comm(slot)) ?? "?";
    return this.#comm;
  }

  get exe(): string | null {
    if (this.#exe === undefined) this.#exe = this.#look((slot) => this.#table.exe(slot)) ?? null;
    return this.#exe;
  }

  get args(): readonly string[] | null {
    if (this.#args === undefined) this.#args = this.#look((slot) => this.#table.args(slot)) ?? null;
    return this.#args;
  }

  get argsTruncated(): boolean | null {
    return this.#look((slot) => this.#table.argsTruncated(slot)) ?? null;
  }

  get state(): string | null {
    if (this.#state === undefined) this.#state = processState(this.pid, this.startNs);
    return this.#state;
  }

  get place(): Place {
    this.#place ??= this.#look((slot) => this.#identity.of(slot)) ?? NOWHERE;
    return this.#place;
  }

  /** Finds the process again, because it may be at another slot by now; undefined if the table does not have it. */
  #look<T>(read: (slot: number) => T): T | undefined {
    const table = this.#table;
    let slot = table.find(this.pid);
    while (slot !== NO_SLOT && (table.startLow(slot) !== this.#startLow || table.startHigh(slot) !== this.#startHigh))
      slot = table.findOlder(slot);
    return slot === NO_SLOT ? undefined : read(slot);
  }
}
