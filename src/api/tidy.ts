import { collectYoungGarbage } from "../sys/garbage.ts";

/**
 * Memory of a request and its answer without the body, bytes: JavaScript objects and native memory that belongs to
 * them.
 */
const REQUEST_BYTES = 4096;
/** This many bytes of live events leave one byte of garbage. linnix releases the chunks, but not their objects. */
const STREAMED_BYTES = 8;
/** This much garbage is collected as soon as the last collection allows it. */
const WORTH_BYTES = 512 * 1024;
/** From this much on, garbage is also collected, but at most once in `LITTLE_MS`. */
const LITTLE_BYTES = 32 * 1024;
const LITTLE_MS = 60_000;
/** The next collection waits for this many times the CPU time of the last one. */
const REST_FACTOR = 20;

/**
 * Collects the garbage of requests and answers once there is enough of it, and spends at most a twentieth of the time
 * on that. The runtime itself would wait until there is as much garbage as other memory.
 */
export class Tidy {
  #bytes = 0;
  #streamedBytes = 0;
  #doneMs = 0;
  #restUntilMs = 0;

  /** Notes that a request was answered. @param bodyBytes size of its body if the body becomes garbage, else 0 */
  answered(bodyBytes: number): void {
    this.#made(REQUEST_BYTES + bodyBytes);
  }

  /** Notes that live events were sent. @param streamedBytes bytes of all live events so far */
  handedOn(streamedBytes: number): void {
    this.#made((streamedBytes - this.#streamedBytes) / STREAMED_BYTES);
    this.#streamedBytes = streamedBytes;
  }

  #made(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < LITTLE_BYTES) return;
    const nowMs = performance.now();
    if (nowMs < this.#restUntilMs || (this.#bytes < WORTH_BYTES && nowMs - this.#doneMs < LITTLE_MS)) return;
    this.#bytes = 0;
    const before = process.cpuUsage();
    collectYoungGarbage();
    const { user, system } = process.cpuUsage(before);
    this.#doneMs = performance.now();
    // By CPU time, not by elapsed time: otherwise other processes that keep this one from running would delay the next
    // collection.
    this.#restUntilMs = this.#doneMs + (REST_FACTOR * (user + system)) / 1000;
  }
}
