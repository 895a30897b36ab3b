/** A binary heap of small integers ordered by a number each: the earliest is on top. Allocates only to have room for more. */
export class MinHeap {
  #items: Int32Array;
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#items = new Int32Array(capacity);
    this.#keys = new Float64Array(capacity);
  }

  /** Makes room for that many items in all. */
  reserve(capacity: number): void {
    if (capacity <= this.#items.length) return;
    const items = new Int32Array(capacity);
    const keys = new Float64Array(capacity);
    items.set(this.#items);
    keys.set(this.#keys);
    this.#items = items;
    this.#keys = keys;
  }

  get size(): number {
    return this.#size;
  }

  /** The item with the smallest key; only when there is one. */
  get top(): number {
    return this.#items[0] as number;
  }

  get topKey(): number {
    return this.#keys[0] as number;
  }

  clear(): void {
    this.#size = 0;
  }

  push(item: number, key: number): void {
    let at = this.#size++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if ((this.#keys[above] as number) <= key) break;
      this.#set(at, above);
      at = above;
    }
    this.#items[at] = item;
    this.#keys[at] = key;
  }

  /** Gives the top item a new, later, key. */
  replaceTop(key: number): void {
    this.#sink(this.top, key);
  }

  pop(): void {
    this.#size--;
    if (this.#size > 0) this.#sink(this.#items[this.#size] as number, this.#keys[this.#size] as number);
  }

  /** Puts an item where the top was, and lets it down to its place. */
  #sink(item: number, key: number): void {
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#size) break;
      if (below + 1 < this.#size && (this.#keys[below + 1] as number) < (this.#keys[below] as number)) below++;
      if ((this.#keys[below] as number) >= key) break;
      this.#set(at, below);
      at = below;
    }
    this.#items[at] = item;
    this.#keys[at] = key;
  }

  #set(to: number, from: number): void {
    this.#items[to] = this.#items[from] as number;
    this.#keys[to] = this.#keys[from] as number;
  }
}
