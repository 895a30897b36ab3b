import { COMM_LEN } from "../wire/layout.gen.ts";
import { isAboutStream, typeCode } from "./event-types.ts";
import type { EventHistory } from "./history.ts";

/** The events that a client requests. A null field does not filter. */
export interface StreamQuery {
  types: readonly string[] | null;
  pid: readonly number[] | null;
  comm: string | null;
}

/** Filters by the data that the history has for each event, without decoding the event. */
export class StreamFilter {
  readonly #types: number;
  readonly #pids: ReadonlySet<number> | null;
  readonly #comm: Uint8Array | null;
  /** Whether all events pass. */
  readonly passesAll: boolean;

  constructor({ types, pid, comm }: StreamQuery) {
    this.#types = types === null ? -1 : types.reduce((bits, type) => bits | (1 << typeCode(type)), 0);
    this.#pids = pid === null ? null : new Set(pid);
    this.#comm = comm === null ? null : commBytes(comm);
    this.passesAll = types === null && pid === null && comm === null;
  }

  passes(history: EventHistory, seq: number): boolean {
    if (this.passesAll) return true;
    const type = history.type(seq);
    if (!(this.#types & (1 << type))) return false;
    if (isAboutStream(type)) return true;
    if (this.#pids !== null && !this.#pids.has(history.pid(seq))) return false;
    return this.#comm === null || history.hasComm(seq, this.#comm);
  }
}

/** A name as the kernel stores it: at most 15 bytes, padded with NUL to `COMM_LEN`. */
export function commBytes(comm: string): Uint8Array {
  const bytes = new Uint8Array(COMM_LEN);
  bytes.set(new TextEncoder().encode(comm).subarray(0, COMM_LEN - 1));
  return bytes;
}
