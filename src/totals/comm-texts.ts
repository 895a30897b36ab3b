import { textOf } from "../json/text.ts";
import { COMM_LEN } from "../wire/layout.gen.ts";

/** Number of cached texts, a power of two. */
const PLACES = 256;

/**
 * A cache of decoded names. The same few names recur all the time. A cached name is not decoded again and allocates
 * nothing.
 */
export class CommTexts {
  readonly #bytes = new Uint8Array(PLACES * COMM_LEN);
  readonly #texts: (string | undefined)[] = new Array(PLACES).fill(undefined);

  /** @param comm ends with NUL, or is `COMM_LEN` bytes long */
  of(comm: Uint8Array): string {
    let hash = 0x811c9dc5;
    let length = 0;
    for (; length < COMM_LEN && length < comm.length && comm[length] !== 0; length++) {
      hash = Math.imul(hash ^ (comm[length] as number), 0x01000193);
    }
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1);
    const kept = this.#texts[place];
    if (kept !== undefined && this.#isAt(place, comm, length)) return kept;
    const text = textOf(comm.subarray(0, length));
    const from = place * COMM_LEN;
    for (let i = 0; i < COMM_LEN; i++) this.#bytes[from + i] = i < length ? (comm[i] as number) : 0;
    this.#texts[place] = text;
    return text;
  }

  #isAt(place: number, comm: Uint8Array, length: number): boolean {
    const from = place * COMM_LEN;
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== comm[i]) return false;
    return length === COMM_LEN || this.#bytes[from + length] === 0;
  }
}
