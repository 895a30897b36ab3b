import { utf8 } from "../json/byte-writer.ts";
import { giveBack } from "./give-back.ts";
import type { EventHistory } from "./history.ts";
import type { StreamFilter } from "./stream-filter.ts";

/**
 * Why events are missing from a stream: the client was slow, it reconnected too late, it was last connected to another
 * run, or redaction was switched on, which drops events that were recorded without redaction.
 */
export const GAP_REASONS = ["slow-client", "history", "other-run", "redaction"] as const;

export type GapReason = (typeof GAP_REASONS)[number];

/** Maximum number of bytes written to a connection at a time. Only these and the socket's buffer queue for a client. */
const CHUNK_BYTES = 64 * 1024;
const HEARTBEAT = utf8(": heartbeat\n\n");

export interface ClientTotals {
  /** Events written to connections. */
  sent: number;
  /** Events that were dropped from the history before a client had received them. */
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

  /** @param next number of the first event to send */
  constructor(history: EventHistory, filter: StreamFilter, next: number, totals: ClientTotals) {
    this.#history = history;
    this.filter = filter;
    this.#next = next;
    this.#totals = totals;
  }

  /**
   * The body of the response to this client.
   * @param onEnd called when the client has disconnected
   * @param cutOff closes the connection: see {@link abort}
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

  /** Called before the history drops an event: counts the event as missed if this client has not received it yet. */
  dropped(seq: number, reason: GapReason = "slow-client"): void {
    if (this.#next !== seq) return;
    this.#next = seq + 1;
    if (!this.filter.passes(this.#history, seq)) return;
    this.#totals.missed++;
    if (this.#gap && this.#gap.missed !== null) this.#gap.missed++;
    else this.#gap ??= { reason, missed: 1 };
  }

  /** Sends as many events as the connection accepts. */
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
   * Releases chunks that have been copied to the connection. Without this, the garbage collector would have to run
   * every second or two. A chunk that has left the stream's queue was written before this turn of the event loop.
   */
  #releaseHanded(): void {
    this.#releasing = undefined;
    if ((this.#controller?.desiredSize ?? 0) <= 0) return;
    for (const chunk of this.#handed.splice(0)) giveBack(chunk);
  }

  /**
   * Sends a heartbeat, even right after an event, so that a client never waits longer than one interval for the next
   * heartbeat.
   * @returns how many heartbeats in a row could not be sent
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
    ignoreGone(() => controller?.error(new Error("the client has read nothing for too long")));
    this.#cutOff();
    return true;
  }

  /** The next events for this client, as many as fit into a chunk; undefined if there are none. */
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
      // Skips the event that does not pass the filter, if any.
      seq++;
    }
    return chunk;
  }
}

/** A gap event. It has no id, so that a client that disconnects right after it receives it again. */
function gapFrame({ reason, missed }: { reason: GapReason; missed: number | null }): Uint8Array {
  return utf8(`event: gap\ndata: ${JSON.stringify({ type: "gap", reason, missed })}\n\n`);
}

function ignoreGone(action: () => void): void {
  try {
    action();
  } catch {
    // The connection is closed already.
  }
}
