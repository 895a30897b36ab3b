import { type Client, Refusal } from "./client.ts";
import { Follower } from "./follower.ts";
import { type Answers, type Model, REFRESH_S } from "./model.ts";
import { delayMs } from "./retry.ts";

/** Most processes that are read. */
const LIMIT = 1000;
/** Between the first refresh and the second. */
const SECOND_MS = 2_000;
/** What a user is to know of the connection. */
export type Connection =
  | { state: "connecting" | "live" | "stopped" }
  /** What is shown is old. */
  | { state: "trouble"; why: string }
  | { state: "token"; isWrong: boolean };

export interface LiveOptions {
  client: Client;
  model: Model;
  /** In which order the processes are wanted. */
  sort(): "cpu" | "rss" | "start";
  changed(connection: Connection): void;
}

/** Asks the daemon every five seconds, and follows its events in between. */
export class Live {
  readonly #options: LiveOptions;
  readonly #follower: Follower;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
    const { client, model } = options;
    this.#follower = new Follower({
      client,
      event: (type, data) => model.event(type, data, performance.now(), Date.now()),
    });
  }

  /** Why the live events do not come; null: they do. */
  get trouble(): string | null {
    return this.#follower.trouble;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#failures = 0;
    this.#options.changed({ state: "connecting" });
    void this.#refresh(this.#abort.signal);
  }

  stop(): void {
    if (!this.#abort) return;
    this.#end();
    this.#options.changed({ state: "stopped" });
  }

  /** Asks at once, as after a change of what is wanted. */
  hurry(): void {
    if (!this.#abort || this.#timer === undefined || this.#failures > 0) return;
    clearTimeout(this.#timer);
    void this.#refresh(this.#abort.signal);
  }

  #end(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#follower.stop();
    this.#options.model.interrupt();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    this.#timer = undefined;
    let nextMs: number;
    try {
      const answers = await this.#load(signal);
      if (signal.aborted) return;
      const { model, changed } = this.#options;
      model.take(answers, performance.now(), Date.now());
      this.#failures = 0;
      this.#follower.follow(model.wantedTypes);
      changed({ state: "live" });
      // A rate is known from the second refresh on: that one comes soon.
      nextMs = model.rate === null ? SECOND_MS : REFRESH_S * 1000;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 401) {
        this.#end();
        return this.#options.changed({ state: "token", isWrong: this.#options.client.token !== null });
      }
      nextMs = delayMs(this.#failures++, error.retryAfterS);
      const again = `asks again in ${Math.round(nextMs / 1000)} s`;
      this.#options.changed({ state: "trouble", why: `${error.message} (${again})` });
    }
    this.#timer = setTimeout(() => void this.#refresh(signal), nextMs);
  }

  async #load(signal: AbortSignal): Promise<Answers> {
    const { client, model, sort } = this.#options;
    const asked = client.get("/status", signal);
    // Whether the token is right is asked for once.
    if (model.status === undefined) await asked;
    const [status, processes, reasons] = await Promise.all([
      asked,
      client.get(`/processes?limit=${LIMIT}&sort=${sort()}`, signal),
      client.reasons(signal),
    ]);
    return { status, processes, reasons } as Answers;
  }
}
