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
  /** The buffer that is not in use, as it was read, by place. */
  #read = new Map<number, Group>();
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
    const late = this.#news(idle, this.#read);
    this.#empty(idle);
    this.#switch.buffer = idle;
    this.#read = new Map(this.#groups(active));
    const news = [...this.#read.values()].flatMap((group) => group.since(emptyOf(group)) ?? []);
    return bounded([...late, ...news]);
  }

  /** What happened since the last `take`, which stays. */
  peek(): Group[] {
    return bounded(this.#news(this.#switch.buffer, new Map()));
  }

  /** What was added to a buffer since it was read. */
  #news(buffer: 0 | 1, read: ReadonlyMap<number, Group>): Group[] {
    return [...this.#groups(buffer)].flatMap(([place, group]) => group.since(read.get(place) ?? emptyOf(group)) ?? []);
  }

  *#groups(buffer: 0 | 1): Generator<[place: number, group: Group]> {
    for (let place = 0; place < this.#places + TOTALS_REST; place++) {
      const at = this.#wordOf(buffer, place);
      if (place >= this.#places) {
        const kind = TOTALS_ALL | (place > this.#places ? TOTALS_BESIDE : 0);
        const rest = new Group(0n, "", kind);
        rest.add(Group.read(this.#words, at));
        if (rest.events > 0) yield [place, rest];
      } else if (this.#words[at + TOTALS.is_ready / 4] !== 0) {
        this.#placesRead++;
        yield [place, Group.read(this.#words, at)];
      }
    }
  }

  #empty(buffer: 0 | 1): void {
    for (let place = 0; place < this.#places + TOTALS_REST; place++) {
      const at = this.#wordOf(buffer, place);
      const { claims, comms } = TOTALS;
      const isTaken = this.#words[at + claims / 4] !== 0 || this.#words[at + comms / 4] !== 0;
      const isUsed = place >= this.#places || isTaken;
      if (isUsed) this.#words.fill(0, at, at + TOTALS_WORDS);
    }
  }

  #wordOf(buffer: 0 | 1, place: number): number {
    return (buffer * (this.#places + TOTALS_REST) + place) * TOTALS_WORDS;
  }
}

/** To copy a group: what is read may still be added to. */
function emptyOf({ cgroupId, comm, kind }: Group): Group {
  return new Group(cgroupId, comm, kind);
}
