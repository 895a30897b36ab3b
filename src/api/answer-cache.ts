import { giveBack } from "./give-back.ts";

/**
 * How long an answer is fresh even if processes change, ms, so that many clients do not make linnix encode it often.
 */
const FRESH_MS = 200;
/** How long an answer is fresh while the process table does not change, ms. Limited, because user names may change. */
const UNCHANGED_MS = 5000;
const MAX_ENTRIES = 16;
/** Maximum number of bytes of all answers together. */
const MAX_BYTES = 1024 * 1024;

interface Entry {
  generation: number;
  madeMs: number;
  body: Uint8Array<ArrayBuffer>;
}

/** Answers that take long to make and are requested often, each under a key made of its query. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #bytes = 0;

  /** @param now a monotonic clock, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The answer for `key` if it is still fresh. Use it immediately, because the cache may release its bytes later. */
  get(key: string, generation: number): Uint8Array<ArrayBuffer> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (this.#holds(entry, generation)) return entry.body;
    this.#delete(key, entry);
    return undefined;
  }

  /** Releases the answers that are no longer fresh. */
  sweep(generation: number): void {
    for (const [key, entry] of this.#entries) if (!this.#holds(entry, generation)) this.#delete(key, entry);
  }

  /** Releases all answers. */
  clear(): void {
    for (const [key, entry] of this.#entries) this.#delete(key, entry);
  }

  /** @returns whether the cache stores the answer. If so, the cache also releases its bytes */
  set(key: string, generation: number, body: Uint8Array<ArrayBuffer>): boolean {
    if (body.length > MAX_BYTES) return false;
    const before = this.#entries.get(key);
    if (before) this.#delete(key, before);
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size < MAX_ENTRIES && this.#bytes + body.length <= MAX_BYTES) break;
      this.#delete(oldest, entry);
    }
    this.#entries.set(key, { generation, madeMs: this.#now(), body });
    this.#bytes += body.length;
    return true;
  }

  #holds({ madeMs, generation }: Entry, current: number): boolean {
    const ageMs = this.#now() - madeMs;
    return ageMs < FRESH_MS || (ageMs < UNCHANGED_MS && generation === current);
  }

  #delete(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.body.length;
    giveBack(entry.body);
  }
}
