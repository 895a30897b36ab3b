/**
 * A binary heap of small integers, each with a number as its key. The item with the smallest key is on top. Only the
 * constructor and `reserve` allocate memory.
 */
export class MinHeap {
  #items: Int32Array;
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#items = new Int32Array(capacity);
    this.#keys = new Float64Array(capacity);
  }

  /** Makes room for `capacity` items in all. */
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

  /** The item with the smallest key. Only valid if the heap has an item. */
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

  /** Gives the top item a new key, which must not be smaller. */
  replaceTop(key: number): void {
    this.#sink(this.top, key);
  }

  pop(): void {
    this.#size--;
    if (this.#size > 0) this.#sink(this.#items[this.#size] as number, this.#keys[this.#size] as number);
  }

  /** Puts an item at the top, and moves it down to its place. */
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
