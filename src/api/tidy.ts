import { trimHeap } from "../libbpf/memory.ts";

/** How often at most, ms: a collection costs some ms. */
const EVERY_MS = 20_000;
/** Less than so many bytes of answers leave little behind. */
const WORTH_BYTES = 256 * 1024;

/**
 * What answers were made of is garbage of megabytes that the runtime would let
 * lie for long, for its heap is small and it sees no need. Gives it back, now
 * and then, where there were answers.
 */
export class Tidy {
  #bytes = 0;
  #lastMs = performance.now();

  /** So many bytes went out. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Called as often as something happens anyway. */
  tick(): void {
    if (this.#bytes < WORTH_BYTES) return;
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < EVERY_MS) return;
    this.#lastMs = nowMs;
    this.#bytes = 0;
    Bun.gc(true);
    trimHeap();
  }
}
