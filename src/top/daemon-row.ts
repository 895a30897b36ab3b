import type { Place } from "../cgroup/place.ts";
import type * as answers from "./daemon-answers.ts";
import { keyText, type ProcessRow } from "./model.ts";

/** A process in the daemon's list of processes. */
export class DaemonRow implements ProcessRow {
  readonly #row: answers.Row;
  readonly #stateOf: (pid: number, startNs: bigint | null) => string | null;
  readonly startNs: bigint | null;
  readonly place: Place;
  #state: string | null | undefined;

  /** @param stateOf reads the state of a process; returns null if the daemon runs on another machine */
  constructor(row: answers.Row, stateOf: (pid: number, startNs: bigint | null) => string | null) {
    this.#row = row;
    this.#stateOf = stateOf;
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
    if (this.#state === undefined) this.#state = this.#stateOf(this.pid, this.startNs);
    return this.#state;
  }
}

/** The place of a process in answers and events. Unknown fields may be missing. */
export interface PlaceOfAnswer {
  cgroup?: string | null | undefined;
  container?: { id: string; runtime: string } | null | undefined;
  unit?: string | null | undefined;
}

export function placeOf({ cgroup, container, unit }: PlaceOfAnswer): Place {
  return {
    cgroup: cgroup ?? null,
    container: (container as Place["container"]) ?? null,
    pod_uid: null,
    unit: unit ?? null,
  };
}
