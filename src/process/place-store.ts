import type { KnownPlace } from "../cgroup/place.ts";

/** The store has no place for this process. */
export const NO_PLACE = 0;

/** Maximum number of distinct places. Once it is reached, a process in a new place gets NO_PLACE. */
const MAX_PLACES = 16_384;

/**
 * Places of single processes, which the process table refers to by number. Each distinct place is stored once, for as
 * long as a process refers to it.
 */
export class PlaceStore {
  readonly #places: (KnownPlace | undefined)[] = [undefined];
  readonly #references: number[] = [0];
  readonly #byKey = new Map<string, number>();
  readonly #keys: string[] = [""];
  readonly #free: number[] = [];

  get count(): number {
    return this.#byKey.size;
  }

  get(place: number): KnownPlace | undefined {
    return this.#places[place];
  }

  /** The key that the place was made from; empty for NO_PLACE. */
  keyOf(place: number): string {
    return this.#keys[place] ?? "";
  }

  /**
   * Adds a reference to the place of that key, and creates it if necessary. Returns its number, or NO_PLACE if the
   * store is full.
   */
  take(key: string, make: (key: string) => KnownPlace): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return this.share(known);
    if (this.#byKey.size >= MAX_PLACES) return NO_PLACE;
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = make(key);
    this.#keys[place] = key;
    this.#references[place] = 1;
    this.#byKey.set(key, place);
    return place;
  }

  share(place: number): number {
    if (place !== NO_PLACE) this.#references[place] = (this.#references[place] as number) + 1;
    return place;
  }

  release(place: number): void {
    if (place === NO_PLACE) return;
    const references = (this.#references[place] as number) - 1;
    this.#references[place] = references;
    if (references > 0) return;
    this.#byKey.delete(this.keyOf(place));
    this.#places[place] = undefined;
    this.#keys[place] = "";
    this.#free.push(place);
  }
}
