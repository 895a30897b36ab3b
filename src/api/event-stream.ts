import { ByteWriter, jsonText, literal, type Piece } from "../json/byte-writer.ts";
import type { EventView } from "../process/event-view.ts";
import { JsonEncoder } from "../sinks/jsonl.ts";
import {
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  EVENT_PAGE_FAULT,
  EVENT_PROCESS,
  EVENT_SAMPLE,
} from "../wire/layout.gen.ts";
import { EVENT_TYPES, typeCode } from "./event-types.ts";
import { EventHistory } from "./history.ts";
import { type ClientTotals, StreamClient } from "./stream-client.ts";
import { commBytes, StreamFilter, type StreamQuery } from "./stream-filter.ts";

export interface EventStreamOptions {
  maxClients: number;
  /** Maximum number of events kept for clients that reconnect; 0: none. */
  historyEvents: number;
  /** Maximum memory of these events, bytes. */
  historyBytes: number;
  heartbeatMs: number;
}

/** An event that is not an {@link EventView}, in its JSON Lines form. */
export interface StreamNotice {
  type: string;
  pid?: number | null;
  comm?: string | null;
}

/** How long the history is kept after the last client disconnects. A client that reconnects usually does so sooner. */
const REPLAY_MS = 5 * 60_000;
/** The least capacity of the history. Even without replay, events wait in it until `flush` sends them. */
const MIN_FRAMES = 1024;
/** Size of an event in the history, bytes: the average of many events, and the least. */
const BYTES_PER_EVENT = 512;
const LEAST_BYTES_PER_EVENT = 128;
const MIN_BYTES = 1024 * 1024;
/** A client that reads nothing for this time is disconnected, so that others can have its place. */
const STUCK_MS = 5 * 60_000;

const ID = literal("id: ");
const EVENT = literal("\nevent: ");
const DATA = literal("\ndata: ");
const END = literal("\n\n");
const TYPE_NAMES: Piece[] = [];
const TYPE_CODES: number[] = [];
for (const [number, type] of [
  [EVENT_FORK, "fork"],
  [EVENT_EXEC, "exec"],
  [EVENT_EXIT, "exit"],
  [EVENT_PROCESS, "process"],
  [EVENT_SAMPLE, "sample"],
  [EVENT_PAGE_FAULT, "page_fault"],
] as const) {
  TYPE_NAMES[number] = literal(type);
  TYPE_CODES[number] = typeCode(type);
}
const NO_COMM = new Uint8Array(0);
/** The frame of an event that no client requests: the event has a number and no bytes. */
const EMPTY = new ByteWriter(0);

/**
 * The live events for all clients. A process event is encoded once for all clients, and only after a client has
 * requested its type. Encoding stops some minutes after the last client has disconnected. Events that are not encoded
 * are only counted, so that a client that reconnects later learns how many it missed.
 */
export class EventStream {
  readonly epoch = newEpoch();
  readonly #options: EventStreamOptions;
  readonly #history: EventHistory;
  readonly #encoder = new JsonEncoder();
  readonly #idPrefix = literal(`${this.epoch}-`);
  readonly #clients = new Set<StreamClient>();
  readonly #left = new WeakMap<StreamClient, () => void>();
  readonly #totals: ClientTotals = { sent: 0, missed: 0, bytes: 0 };
  #scratch: ByteWriter | undefined;
  #armed = false;
  #hasNew = false;
  #beat: Timer | undefined;
  #disarm: Timer | undefined;
  #refused = 0;
  /** Events before this number were dropped by `forget`. */
  #forgottenBefore = 0;
  /** For each type of process event: the number of the first event that is encoded, because a client requests it. */
  readonly #encodedFrom = new Float64Array(EVENT_TYPES.length).fill(Number.POSITIVE_INFINITY);

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const { historyEvents, historyBytes } = options;
    this.#history = new EventHistory({
      maxFrames: Math.max(MIN_FRAMES, Math.min(historyEvents, Math.floor(historyBytes / LEAST_BYTES_PER_EVENT))),
      maxBytes: Math.max(MIN_BYTES, Math.min(historyEvents * BYTES_PER_EVENT, historyBytes)),
      dropped: (seq) => {
        for (const client of this.#clients) client.dropped(seq);
      },
    });
  }

  /** Events so far, encoded or not. */
  get count(): number {
    return this.#history.next - 1;
  }

  get clients(): number {
    return this.#clients.size;
  }

  get maxClients(): number {
    return this.#options.maxClients;
  }

  /** Clients that were refused because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  /** Counts of events and bytes that clients received, and of events that clients missed. */
  get totals(): Readonly<ClientTotals> {
    return this.#totals;
  }

  get history(): { events: number; bytes: number } {
    return { events: this.#history.frames, bytes: this.#history.bytes };
  }

  /** Adds one event. The view is invalid after the call. */
  event(view: EventView): void {
    const type = TYPE_NAMES[view.type];
    if (!type) return;
    if (!this.#armed) {
      view.identity?.passed?.(view);
      this.#history.skip();
      return;
    }
    const code = TYPE_CODES[view.type] as number;
    if (this.#encodedFrom[code] === Number.POSITIVE_INFINITY) {
      view.identity?.passed?.(view);
      this.#history.append(code, view.pid, view.comm, EMPTY);
      return;
    }
    const out = this.#begin(type);
    this.#encoder.encode(view, out);
    out.reserve(END.length + 1);
    out.byte(0x7d);
    this.#end(out, code, view.pid, view.comm);
  }

  /** Adds an event that has no record: a storm, a loss, totals, a change of the budget's level. */
  notice(notice: StreamNotice): void {
    const code = typeCode(notice.type);
    if (code < 0) return;
    if (!this.#armed) {
      this.#history.skip();
      return;
    }
    const out = this.#begin(literal(notice.type));
    const json = literal(jsonText(notice));
    out.reserve(json.length + END.length);
    out.put(json);
    this.#end(out, code, notice.pid ?? 0, notice.comm ? commBytes(notice.comm) : NO_COMM);
  }

  /** Sends the events since the last call. */
  flush(): void {
    if (!this.#hasNew) return;
    this.#hasNew = false;
    for (const client of this.#clients) client.pump();
  }

  /**
   * Adds a client.
   * @param lastEventId the header `Last-Event-ID` of a client that reconnects, else null
   * @param cutOff closes the client's connection. Without it, a client that reads nothing stays connected
   * @param left called after the client has disconnected
   * @returns the body of the response to this client; undefined if the maximum number of clients is already connected
   */
  open(
    query: StreamQuery,
    lastEventId: string | null,
    cutOff?: (() => void) | undefined,
    left?: () => void,
  ): ReadableStream<Uint8Array> | undefined {
    if (this.#clients.size >= this.#options.maxClients) {
      this.refuse();
      return undefined;
    }
    this.#arm();
    this.#encode(query.types);
    const client = this.#clientFrom(query, lastEventId);
    this.#clients.add(client);
    if (left) this.#left.set(client, left);
    this.#beat ??= setInterval(() => this.#beatAll(), this.#options.heartbeatMs);
    return client.stream(() => this.#leave(client), cutOff);
  }

  /** Counts a client that was refused. */
  refuse(): void {
    this.#refused++;
  }

  /** Drops the events in the history, because clients must not see their content any more. */
  forget(): void {
    const history = this.#history;
    for (let seq = history.first; seq < history.next; seq++) {
      for (const client of this.#clients) client.dropped(seq, "redaction");
    }
    history.clear();
    this.#scratch = undefined;
    this.#forgottenBefore = history.next;
  }

  /** Applies new limits. Connected clients stay connected. */
  reconfigure({ maxClients, heartbeatMs }: Pick<EventStreamOptions, "maxClients" | "heartbeatMs">): void {
    this.#options.maxClients = maxClients;
    if (heartbeatMs === this.#options.heartbeatMs) return;
    this.#options.heartbeatMs = heartbeatMs;
    if (this.#beat === undefined) return;
    clearInterval(this.#beat);
    this.#beat = setInterval(() => this.#beatAll(), heartbeatMs);
  }

  /** Sends the remaining events and ends all responses. */
  close(): void {
    this.flush();
    for (const client of this.#clients) client.end();
    this.#clients.clear();
    clearInterval(this.#beat);
    clearTimeout(this.#disarm);
    this.#armed = false;
  }

  #clientFrom(query: StreamQuery, lastEventId: string | null): StreamClient {
    const history = this.#history;
    const filter = new StreamFilter(query);
    const place = (next: number) => new StreamClient(history, filter, next, this.#totals);
    if (lastEventId === null) return place(history.next);
    const after = resumeAfter(lastEventId, this.epoch);
    const kept = Math.max(history.first, this.#oldestReplayed, ...codesOf(query.types).map(this.#firstOf));
    const oldest = this.#options.historyEvents === 0 ? history.next : kept;
    if (after === "other-run") {
      const client = place(oldest);
      client.noteGap("other-run", null);
      return client;
    }
    // An id that no event has had yet can only be a mistake of the client: no events are missing.
    const client = place(Math.min(Math.max(after + 1, oldest), history.next));
    if (after + 1 < oldest) {
      client.noteGap(after + 1 < this.#forgottenBefore ? "redaction" : "history", oldest - after - 1);
    }
    return client;
  }

  /** Number of the oldest event that may be replayed. With a small limit, the history also has older events. */
  get #oldestReplayed(): number {
    return this.#history.next - this.#options.historyEvents;
  }

  /** Number of the first encoded event of a type; infinity if events of this type are not encoded. */
  readonly #firstOf = (code: number): number => this.#encodedFrom[code] as number;

  /** Encodes process events of these types from now on; null: of all types. */
  #encode(types: readonly string[] | null): void {
    for (const code of codesOf(types)) {
      if (this.#firstOf(code) === Number.POSITIVE_INFINITY) this.#encodedFrom[code] = this.#history.next;
    }
  }

  #begin(type: Piece): ByteWriter {
    this.#scratch ??= new ByteWriter(4096);
    const out = this.#scratch;
    out.length = 0;
    out.reserve(128);
    out.put(ID);
    out.put(this.#idPrefix);
    out.number(this.#history.next);
    out.put(EVENT);
    out.put(type);
    out.put(DATA);
    return out;
  }

  #end(out: ByteWriter, code: number, pid: number, comm: Uint8Array): void {
    out.put(END);
    this.#history.append(code, pid, comm, out);
    this.#hasNew = true;
  }

  #arm(): void {
    clearTimeout(this.#disarm);
    this.#disarm = undefined;
    this.#armed = true;
  }

  #leave(client: StreamClient): void {
    if (!this.#clients.delete(client)) return;
    this.#left.get(client)?.();
    if (this.#clients.size > 0) return;
    clearInterval(this.#beat);
    this.#beat = undefined;
    this.#disarm = setTimeout(() => {
      this.#armed = false;
      this.#history.clear();
      this.#encodedFrom.fill(Number.POSITIVE_INFINITY);
      this.#scratch = undefined;
    }, REPLAY_MS);
    this.#disarm.unref();
  }

  #beatAll(): void {
    for (const client of this.#clients) {
      if (client.beat() * this.#options.heartbeatMs < STUCK_MS) continue;
      if (client.abort()) this.#leave(client);
    }
  }
}

/** Codes of the requested types of process events; null: all. */
function codesOf(types: readonly string[] | null): number[] {
  return TYPE_CODES.filter((code) => types === null || types.includes(EVENT_TYPES[code] as string));
}

/** A random name of this run, with which the ids of its events begin, such as `9f2a41c07be3-1234`. */
function newEpoch(): string {
  const random = crypto.getRandomValues(new Uint8Array(6));
  return Buffer.from(random).toString("hex");
}

/**
 * Where a client that sends `Last-Event-ID` stopped reading. An unknown id counts as the id of another run and not as
 * an error, because a browser does not reconnect after an error.
 *
 * @returns the number of the last event that the client received, or `"other-run"`
 */
function resumeAfter(lastEventId: string, epoch: string): number | "other-run" {
  const match = /^(?:([0-9a-z]+)-)?(\d{1,15})$/.exec(lastEventId);
  if (!match || (match[1] !== undefined && match[1] !== epoch)) return "other-run";
  return Number(match[2]);
}
