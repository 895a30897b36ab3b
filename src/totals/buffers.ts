import { TOTALS, TOTALS_ALL, TOTALS_BESIDE, TOTALS_REST } from "../wire/layout.gen.ts";
import { bounded } from "./bounded.ts";
import { Group, TOTALS_WORDS } from "./group.ts";

/** The word that says which buffer the programs add to. */
export interface BufferSwitch {
  buffer: 0 | 1;
}

/**
 * What the kernel side added up, in two buffers that take turns. All of it is memory that the programs share with this
 * process: no system call. A program that took its place in a buffer before a turn may add to it after that: a buffer is
 * read a second time before the programs get it again.
 */
export class TotalsBuffers {
  readonly #memory: () => ArrayBuffer;
  #mapped: Uint32Array | undefined;
  readonly #places: number;
  readonly #switch: BufferSwitch;
  /** The words of the buffer that is not in use, as they were read, by place. */
  #read = new Map<number, Uint32Array>();
  #placesRead = 0;

  /** @param memory gives the map `totals`, which takes memory of this process from its first use on */
  constructor(memory: () => ArrayBuffer, places: number, bufferSwitch: BufferSwitch) {
    this.#memory = memory;
    this.#places = places;
    this.#switch = bufferSwitch;
  }

  get #words(): Uint32Array {
    this.#mapped ??= new Uint32Array(this.#memory());
    return this.#mapped;
  }

  /** Places with a group that were read so far. */
  get placesRead(): number {
    return this.#placesRead;
  }

  /** What happened since the last call. */
  take(): Group[] {
    const active = this.#switch.buffer;
    const idle = active === 0 ? 1 : 0;
    const used = this.#used(idle);
    const late = used.flatMap((place) => this.#since(idle, place) ?? []);
    for (const place of used) this.#empty(idle, place);
    this.#switch.buffer = idle;
    this.#read = new Map(this.#used(active).map((place) => [place, this.#copy(active, place)]));
    const news = [...this.#read].flatMap(([place, words]) => this.#group(place, words) ?? []);
    return bounded([...late, ...news]);
  }

  /** What happened since the last `take`, which stays. */
  peek(): Group[] {
    const { buffer } = this.#switch;
    return bounded(this.#used(buffer).flatMap((place) => this.#group(place, this.#copy(buffer, place)) ?? []));
  }

  /** What was added to a place since it was read: next to none. */
  #since(buffer: 0 | 1, place: number): Group | null {
    const words = this.#copy(buffer, place);
    const before = this.#read.get(place);
    if (before && isSame(words, before)) return null;
    const group = this.#group(place, words);
    return group && before ? group.since(Group.read(before, 0)) : group;
  }

  /**
   * The places that the programs have written, and the places of the rests. The loop is cheap, because most places are
   * empty.
   */
  #used(buffer: 0 | 1): number[] {
    const words = this.#words;
    const places = this.#places;
    const used: number[] = [];
    let claims = this.#wordOf(buffer, 0) + TOTALS.claims / 4;
    let comms = this.#wordOf(buffer, 0) + TOTALS.comms / 4;
    for (let place = 0; place < places; place++) {
      if (words[claims] !== 0 || words[comms] !== 0) used.push(place);
      claims += TOTALS_WORDS;
      comms += TOTALS_WORDS;
    }
    for (let rest = 0; rest < TOTALS_REST; rest++) used.push(places + rest);
    return used;
  }

  /** A copy: what is read may still be added to. */
  #copy(buffer: 0 | 1, place: number): Uint32Array {
    const at = this.#wordOf(buffer, place);
    const words = this.#words.slice(at, at + TOTALS_WORDS);
    if (place < this.#places && words[TOTALS.is_ready / 4] !== 0) this.#placesRead++;
    return words;
  }

  /** Null: nothing happened in it, or it is being taken. */
  #group(place: number, words: Uint32Array): Group | null {
    if (place >= this.#places) {
      const kind = TOTALS_ALL | (place > this.#places ? TOTALS_BESIDE : 0);
      const rest = new Group(0n, "", kind);
      rest.add(Group.read(words, 0));
      return rest.isEmpty ? null : rest;
    }
    if (words[TOTALS.is_ready / 4] === 0) return null;
    const group = Group.read(words, 0);
    return group.isEmpty ? null : group;
  }

  #empty(buffer: 0 | 1, place: number): void {
    const at = this.#wordOf(buffer, place);
    this.#words.fill(0, at, at + TOTALS_WORDS);
  }

  #wordOf(buffer: 0 | 1, place: number): number {
    return (buffer * (this.#places + TOTALS_REST) + place) * TOTALS_WORDS;
  }
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  for (let at = 0; at < TOTALS_WORDS; at++) if (a[at] !== b[at]) return false;
  return true;
}
