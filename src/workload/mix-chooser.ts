import { Prng } from "../stats/prng.ts";

/** Draws in a block: many enough for a random order, and few enough that a short run has every kind. */
const BLOCK = 32;

/**
 * Chooses the next of several kinds in random order. At the end of every block
 * of 32, the number of draws of each kind differs from its share by at most
 * one. So a short run has the requested mix, and no regular pattern can be in
 * step with an observer's interval. The same seed gives the same sequence.
 */
export class MixChooser {
  readonly #shares: readonly number[];
  readonly #owed: number[];
  readonly #prng: Prng;
  #block: number[] = [];
  #at = 0;

  /** @param weights one for each kind, not negative, at least one above 0; only their ratios count */
  constructor(weights: readonly number[], seed: number) {
    const sum = weights.reduce((a, b) => a + b, 0);
    if (!(sum > 0) || weights.some((weight) => !(weight >= 0)))
      throw new RangeError("weights must not be negative, and one must be above 0");
    this.#shares = weights.map((weight) => weight / sum);
    this.#owed = weights.map(() => 0);
    this.#prng = new Prng(seed);
  }

  /** Index of the next kind. */
  next(): number {
    if (this.#at === this.#block.length) {
      this.#block = this.#prng.shuffled(this.#allocate());
      this.#at = 0;
    }
    return this.#block[this.#at++] as number;
  }

  /** The kinds of the next block. Each draw chooses the kind that is furthest below its share of all draws so far. */
  #allocate(): number[] {
    const block: number[] = [];
    const owed = this.#owed;
    for (let draw = 0; draw < BLOCK; draw++) {
      let most = 0;
      for (const [kind, share] of this.#shares.entries()) {
        owed[kind] = (owed[kind] as number) + share;
        if ((owed[kind] as number) > (owed[most] as number)) most = kind;
      }
      owed[most] = (owed[most] as number) - 1;
      block.push(most);
    }
    return block;
  }
}
