/** Figures of the last refreshes for a chart, oldest first. A figure is null if it was unknown at that time. */
export class Series {
  readonly #length: number;
  #values: (number | null)[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  get values(): readonly (number | null)[] {
    return this.#values;
  }

  add(value: number | null): void {
    this.#values.push(value);
    if (this.#values.length > this.#length) this.#values.shift();
  }

  clear(): void {
    this.#values = [];
  }
}
