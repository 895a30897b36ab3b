/** Counters of a bounded cache. */
export interface CacheStats {
  /** Current number of entries, and the maximum. */
  entries: number;
  limit: number;
  hits: number;
  misses: number;
  /** Entries that were dropped for new ones. */
  evictions: number;
}

/** A map of at most `limit` entries. It drops the entry that was not used for the longest time. */
export class Lru<K, V> {
  readonly #limit: number;
  /** In the order of use, because a Map keeps the order of insertion. */
  readonly #entries = new Map<K, V>();
  #newest: K | undefined;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** @param limit at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of the key; undefined if there is none. It becomes the most recently used value. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    if (key !== this.#newest) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
      this.#newest = key;
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) {
      const { value: oldest, done } = this.#entries.keys().next();
      if (!done) this.#entries.delete(oldest);
      this.#evictions++;
    }
    this.#entries.set(key, value);
    this.#newest = key;
  }

  delete(key: K): void {
    this.#entries.delete(key);
    if (this.#newest === key) this.#newest = undefined;
  }

  /** Deletes all entries; the counters stay. */
  clear(): void {
    this.#entries.clear();
    this.#newest = undefined;
  }

  stats(): CacheStats {
    return {
      entries: this.#entries.size,
      limit: this.#limit,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }
}
