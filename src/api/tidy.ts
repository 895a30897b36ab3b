import { collectYoungGarbage } from "../sys/garbage.ts";

/** What a request and its answer take besides the body: objects of JavaScript, and what those hold outside. */
const REQUEST_BYTES = 4096;
/** This many bytes of live events leave one byte of garbage: the server releases chunks, but some objects stay. */
const STREAMED_BYTES = 8;
/** Garbage that is worth a collection. */
const WORTH_BYTES = 512 * 1024;
/** A little garbage is also collected, but not often. */
const LITTLE_BYTES = 32 * 1024;
const LITTLE_MS = 60_000;
/** The next collection waits for this many times as long as the last one took. */
const REST_FACTOR = 20;

/**
 * Collects the garbage of requests and answers after a certain amount of them, for at most a twentieth of the time. The
 * runtime itself would wait until there is as much garbage as all other memory.
 */
export class Tidy {
  #bytes = 0;
  #streamedBytes = 0;
  #doneMs = 0;
  #restUntilMs = 0;

  /** A request was answered. @param bodyBytes of a body that becomes garbage */
  answered(bodyBytes: number): void {
    this.#made(REQUEST_BYTES + bodyBytes);
  }

  /** Notes that the stream sent live events. @param streamedBytes all of them so far */
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
