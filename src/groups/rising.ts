/**
 * A sum that may fall, with a shown value that never falls. When a process has ended, the time of its samples is
 * subtracted, and the time of its whole life is added, perhaps at another moment.
 */
export class Rising {
  #sum = 0;
  #shown = 0;

  add(amount: number): void {
    this.#sum += amount;
  }

  /** Raises `shown` to the sum. To be called once all amounts of a look have been added. */
  settle(): void {
    if (this.#sum > this.#shown) this.#shown = this.#sum;
  }

  get shown(): number {
    return this.#shown;
  }
}
