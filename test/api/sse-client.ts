/** A reader of server-sent events, for tests (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface ServerEvent {
  id: string | null;
  event: string;
  data: string;
}

/** The used part of a reader: the types of the platform and of Bun differ elsewhere. */
type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "closed">;

/** Follows a stream of events until it is disposed of. */
export class SseClient implements AsyncDisposable {
  readonly #reader: Reader;
  readonly #abort: AbortController;
  readonly #decoder = new TextDecoder();
  #text = "";
  readonly #ready: ServerEvent[] = [];
  readonly comments: string[] = [];

  private constructor(reader: Reader, abort: AbortController) {
    this.#reader = reader;
    this.#abort = abort;
  }

  /** @param unix path of the server's Unix socket, if it listens at one */
  static async open(url: string, lastEventId?: string, unix?: string): Promise<SseClient> {
    const abort = new AbortController();
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
    const place = unix === undefined ? {} : { unix };
    const response = await fetch(url, { headers, signal: abort.signal, ...place });
    if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`);
    return new SseClient(response.body.getReader(), abort);
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<ServerEvent | undefined> {
    while (this.#ready.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#take(this.#decoder.decode(value, { stream: true }));
    }
    return this.#ready.shift();
  }

  async take(count: number): Promise<ServerEvent[]> {
    const events: ServerEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  /** Reads on until the text has arrived. */
  async untilComment(text: string): Promise<void> {
    while (!this.comments.includes(text)) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the stream has ended");
      this.#take(this.#decoder.decode(value, { stream: true }));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reader.closed.catch(() => {});
  }

  #take(text: string): void {
    this.#text += text;
    const blocks = this.#text.split("\n\n");
    this.#text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map<string, string>();
      for (const line of block.split("\n")) {
        if (line.startsWith(": ")) this.comments.push(line.slice(2));
        else fields.set(line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2));
      }
      const data = fields.get("data");
      if (data !== undefined)
        this.#ready.push({ id: fields.get("id") ?? null, event: fields.get("event") ?? "message", data });
    }
  }
}
