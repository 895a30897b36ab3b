/**
 * A sum that is put right later: the time of a process that has ended is taken off where it was sampled and is in the whole
 * of its life, which may come at another moment. What is shown never falls.
 */
export class Rising {
  #sum = 0;
  #shown = 0;

  add(amount: number): void {
    this.#sum += amount;
  }

  /** Lets `shown` follow the sum. To be called once all of a look is added. */
  settle(): void {
    if (this.#sum > this.#shown) this.#shown = this.#sum;
  }

  get shown(): number {
    return this.#shown;
  }
}
