import { utf8 } from "../json/byte-writer.ts";
import { giveBack } from "./give-back.ts";
import type { EventHistory } from "./history.ts";
import type { StreamFilter } from "./stream-filter.ts";

/**
 * Why events are missing from a stream: the client was slow, came back too late, was last here in another run, or
 * redaction was switched on, which drops what was recorded without it.
 */
export const GAP_REASONS = ["slow-client", "history", "other-run", "redaction"] as const;

export type GapReason = (typeof GAP_REASONS)[number];

/** Maximum number of bytes written to a connection at a time. They and the socket's buffer are the client's queue. */
const CHUNK_BYTES = 64 * 1024;
const HEARTBEAT = utf8(": heartbeat\n\n");

export interface ClientTotals {
  /** Events written to connections. */
  sent: number;
  /** Events that were dropped from the history before a slow client had taken them. */
  missed: number;
  /** Bytes written to connections. */
  bytes: number;
}

/**
 * One client of the live events: a position in the history that advances as fast as the connection accepts bytes. It
 * has no queue of its own, so a stuck client costs only its connection.
 */
export class StreamClient {
  readonly filter: StreamFilter;
  readonly #history: EventHistory;
  readonly #totals: ClientTotals;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #next: number;
  #gap: { reason: GapReason; missed: number | null } | undefined;
  #cutOff: (() => void) | undefined;
  #blockedBeats = 0;
  /** Bytes passed to Bun that it may not have written to the connection yet. */
  #handed: Uint8Array<ArrayBuffer>[] = [];
  #releasing: NodeJS.Immediate | undefined;

  /** @param next number of the first event that it is to get */
  constructor(history: EventHistory, filter: StreamFilter, next: number, totals: ClientTotals) {
    this.#history = history;
    this.filter = filter;
    this.#next = next;
    this.#totals = totals;
  }

  /**
   * The body of its answer.
   * @param cutOff see {@link abort}
   */
  stream(onEnd: () => void, cutOff?: (() => void) | undefined): ReadableStream<Uint8Array> {
    this.#cutOff = cutOff;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        // The first bytes of a stream. They show the client that it is connected, and set its reconnection time.
        controller.enqueue(utf8("retry: 2000\n\n"));
      },
      pull: () => {
        this.pump();
      },
      cancel: () => {
        this.#controller = undefined;
        onEnd();
      },
    });
  }

  /** Reports missing events before the next event. @param missed null if the number is unknown */
  noteGap(reason: GapReason, missed: number | null): void {
    this.#gap = { reason, missed };
  }

  /** An event is about to leave the history: counts it where this client had still to get it. */
  dropped(seq: number, reason: GapReason = "slow-client"): void {
    if (this.#next !== seq) return;
    this.#next = seq + 1;
    if (!this.filter.passes(this.#history, seq)) return;
    this.#totals.missed++;
    if (this.#gap && this.#gap.missed !== null) this.#gap.missed++;
    else this.#gap ??= { reason, missed: 1 };
  }

  /** Hands on what the connection takes. */
  pump(): void {
    const controller = this.#controller;
    while (controller && (controller.desiredSize ?? 0) > 0) {
      const chunk = this.#chunk();
      if (!chunk) break;
      this.#totals.bytes += chunk.length;
      this.#blockedBeats = 0;
      controller.enqueue(chunk);
      this.#handed.push(chunk);
    }
    if (this.#handed.length > 0) this.#releasing ??= setImmediate(() => this.#releaseHanded());
  }

  /**
   * Releases chunks that have been copied to the connection. Waiting for the garbage collector would need a collection
   * every second or two. A chunk that is no longer in the stream's queue was read and written before this turn.
   */
  #releaseHanded(): void {
    this.#releasing = undefined;
    if ((this.#controller?.desiredSize ?? 0) <= 0) return;
    for (const chunk of this.#handed.splice(0)) giveBack(chunk);
  }

  /**
   * Sends the sign of life, even right after an event: so a client that waits for one never waits longer than one
   * interval.
   * @returns how many times in a row nothing could be sent
   */
  beat(): number {
    const controller = this.#controller;
    if (!controller) return 0;
    if ((controller.desiredSize ?? 0) <= 0) return ++this.#blockedBeats;
    controller.enqueue(HEARTBEAT);
    this.#blockedBeats = 0;
    return 0;
  }

  /** Ends the response after the bytes that are already written. */
  end(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    ignoreGone(() => controller?.close());
  }

  /**
   * Closes the connection if possible. Ending the response is not enough: Bun would keep the connection until the
   * client has read what is in the socket.
   * @returns false if the connection stays open and keeps its place
   */
  abort(): boolean {
    const controller = this.#controller;
    if (!this.#cutOff) return false;
    this.#controller = undefined;
    ignoreGone(() => controller?.error(new Error("the client has taken nothing for too long")));
    this.#cutOff();
    return true;
  }

  /** Events from its place on, as many as fit a chunk; undefined if there is none for it. */
  #chunk(): Uint8Array<ArrayBuffer> | undefined {
    const history = this.#history;
    const gap = this.#gap ? gapFrame(this.#gap) : undefined;
    let bytes = gap?.length ?? 0;
    let end = this.#next;
    for (; end < history.next; end++) {
      const length = this.filter.passes(history, end) ? history.length(end) : 0;
      // An event that is larger than a chunk is sent alone.
      if (bytes + length > CHUNK_BYTES && bytes > 0) break;
      bytes += length;
    }
    const from = this.#next;
    this.#next = end;
    if (bytes === 0) return undefined;
    this.#gap = undefined;
    const chunk = new Uint8Array(bytes);
    let at = 0;
    if (gap) {
      chunk.set(gap, 0);
      at = gap.length;
    }
    for (let seq = from; seq < end; ) {
      const first = seq;
      while (seq < end && this.filter.passes(history, seq)) seq++;
      at += history.copy(first, seq, chunk, at);
      this.#totals.sent += seq - first;
      // The one that does not pass, if any.
      seq++;
    }
    return chunk;
  }
}

/** Has no id, so that a client that disconnects now gets the gap event again. */
function gapFrame({ reason, missed }: { reason: GapReason; missed: number | null }): Uint8Array {
  return utf8(`event: gap\ndata: ${JSON.stringify({ type: "gap", reason, missed })}\n\n`);
}

function ignoreGone(action: () => void): void {
  try {
    action();
  } catch {
    // The connection has gone already.
  }
}
