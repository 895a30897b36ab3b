import type { KnownPlace } from "./place.ts";

/** No place is known of the process itself. */
export const NO_PLACE = 0;

/** Most different places that are held; more processes' than that are not told. */
const MAX_PLACES = 16_384;

/**
 * Places of single processes, as numbers for the process table: each held once,
 * for as long as a process is there.
 */
export class PlaceStore {
  readonly #places: (KnownPlace | undefined)[] = [undefined];
  readonly #references: number[] = [0];
  readonly #byPath = new Map<string, number>();
  readonly #free: number[] = [];

  get count(): number {
    return this.#byPath.size;
  }

  get(place: number): KnownPlace | undefined {
    return this.#places[place];
  }

  /** The number of the place with that path, with one reference more. */
  take(path: string, make: (path: string) => KnownPlace): number {
    const known = this.#byPath.get(path);
    if (known !== undefined) return this.share(known);
    if (this.#byPath.size >= MAX_PLACES) return NO_PLACE;
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = make(path);
    this.#references[place] = 1;
    this.#byPath.set(path, place);
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
    this.#byPath.delete(this.#places[place]?.cgroup ?? "");
    this.#places[place] = undefined;
    this.#free.push(place);
  }
}
