/** How long an answer holds in any case, ms: many clients and a storm must not make it anew all the time. */
const FRESH_MS = 200;
/** How long it holds when nothing has changed, ms: names are read anew now and then. */
const UNCHANGED_MS = 5000;
const MAX_ENTRIES = 16;
const MAX_BYTES = 1024 * 1024;

interface Entry {
  generation: number;
  madeMs: number;
  body: Blob;
}

/** Answers that take long to make and are asked for often, by what was asked. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** @param now a clock that does not go back, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The answer to `key` where it still holds. */
  get(key: string, generation: number): Blob | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const ageMs = this.#now() - entry.madeMs;
    if (ageMs < FRESH_MS || (ageMs < UNCHANGED_MS && entry.generation === generation)) return entry.body;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, generation: number, body: Blob): void {
    if (body.size > MAX_BYTES) return;
    if (this.#entries.size >= MAX_ENTRIES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, { generation, madeMs: this.#now(), body });
  }
}
