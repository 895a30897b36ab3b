/** What a request and its answer take besides the body: objects of JavaScript, and what those hold outside. */
const REQUEST_BYTES = 4096;
/** This many bytes of live events leave one byte of garbage: chunks are given back, some objects stay. */
const STREAMED_BYTES = 8;
/** Garbage that is worth a collection. */
const WORTH_BYTES = 512 * 1024;
/** A little garbage is also collected, together with code that no request uses any more, but not often. */
const LITTLE_BYTES = 32 * 1024;
const LITTLE_MS = 60_000;
/** A collection takes some ms of CPU time. The next one waits for this many times as long. */
const REST_FACTOR = 20;

/**
 * What requests and answers leave behind is garbage that the runtime would let
 * gather until there is as much again as there is in all. Collects it by how
 * much has been made, for at most a twentieth of the time.
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
    Bun.gc(true);
    const { user, system } = process.cpuUsage(before);
    this.#doneMs = performance.now();
    // Not by the clock on the wall: others would have us wait for as long as they kept us from running.
    this.#restUntilMs = this.#doneMs + (REST_FACTOR * (user + system)) / 1000;
  }
}
