import { TOTALS, TOTALS_ALL, TOTALS_BESIDE, TOTALS_REST } from "../wire/layout.gen.ts";
import { bounded } from "./bounded.ts";
import { Group, TOTALS_WORDS } from "./group.ts";

/** The word that selects the buffer to which the BPF programs add. */
export interface BufferSwitch {
  buffer: 0 | 1;
}

/**
 * The totals of the kernel side, in two buffers that alternate. The BPF programs share this memory with this process,
 * so reading it needs no system call. A program that entered a buffer before a switch may still add to it after the
 * switch. So each buffer is read a second time before the programs use it again.
 */
export class TotalsBuffers {
  readonly #memory: () => ArrayBuffer;
  #mapped: Uint32Array | undefined;
  readonly #places: number;
  readonly #switch: BufferSwitch;
  /** The words of the inactive buffer, as they were last read, by place. */
  #read = new Map<number, Uint32Array>();
  #placesRead = 0;

  /**
   * @param memory maps `totals`; called at the first use, because the mapping uses memory of this process from then on
   */
  constructor(memory: () => ArrayBuffer, places: number, bufferSwitch: BufferSwitch) {
    this.#memory = memory;
    this.#places = places;
    this.#switch = bufferSwitch;
  }

  get #words(): Uint32Array {
    this.#mapped ??= new Uint32Array(this.#memory());
    return this.#mapped;
  }

  /** Number of places with a group that were read so far. */
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

  /** What happened since the last `take`, without removing it. */
  peek(): Group[] {
    const { buffer } = this.#switch;
    return bounded(this.#used(buffer).flatMap((place) => this.#group(place, this.#copy(buffer, place)) ?? []));
  }

  /** What was added to a place since it was read; usually null. */
  #since(buffer: 0 | 1, place: number): Group | null {
    const words = this.#copy(buffer, place);
    const before = this.#read.get(place);
    if (before && isSame(words, before)) return null;
    const group = this.#group(place, words);
    return group && before ? group.since(Group.read(before, 0)) : group;
  }

  /**
   * The places that the programs have written, and the places of the rests. Most places are empty, so the loop is
   * cheap.
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

  /** Copies a place, because programs may still add to it. */
  #copy(buffer: 0 | 1, place: number): Uint32Array {
    const at = this.#wordOf(buffer, place);
    const words = this.#words.slice(at, at + TOTALS_WORDS);
    if (place < this.#places && words[TOTALS.is_ready / 4] !== 0) this.#placesRead++;
    return words;
  }

  /** Null if nothing happened in the group, or a program is just creating it. */
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
