import { exactJson } from "../json/exact-json.ts";
import { type Client, Refusal } from "./client.ts";
import { delayMs } from "./retry.ts";
import { EventParser } from "./sse.ts";

export interface FollowerOptions {
  client: Client;
  /** Called for each event, with its type and data. */
  event(type: string, data: unknown): void;
}

/** Follows the live events. If the stream ends, it connects again and continues where the stream ended. */
export class Follower {
  readonly #options: FollowerOptions;
  #abort: AbortController | undefined;
  #types = "";
  #lastId: string | null = null;
  #trouble: string | null = null;
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Why the page receives no events at the moment; null if it does, or if it follows none. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Follows events of these types from now on; does nothing if it already does. */
  follow(types: readonly string[]): void {
    const wanted = types.join(",");
    if (this.#abort && wanted === this.#types) return;
    this.stop();
    this.#types = wanted;
    this.#abort = new AbortController();
    void this.#run(this.#abort.signal);
  }

  /** Stops following. The next `follow` begins with new events. */
  stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.#lastId = null;
    this.#trouble = null;
    this.#failures = 0;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let retryAfterS = 0;
      try {
        await this.#read(signal);
        if (!signal.aborted) this.#trouble = "the stream of events ended";
      } catch (error) {
        if (signal.aborted) return;
        const refusal = error instanceof Refusal ? error : new Refusal(0, "the stream of events broke off");
        retryAfterS = refusal.retryAfterS;
        this.#trouble = refusal.message;
      }
      await pause(delayMs(this.#failures++, retryAfterS), signal);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = this.#lastId === null ? {} : { "Last-Event-ID": this.#lastId };
    const response = await this.#options.client.open(`/events?types=${this.#types}`, headers, signal);
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      if (signal.aborted) return;
      this.#failures = 0;
      this.#trouble = null;
      for (const { id, type, data } of parser.push(decoder.decode(read.value, { stream: true }))) {
        if (id !== null) this.#lastId = id;
        this.#options.event(type, exactJson(data));
      }
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
