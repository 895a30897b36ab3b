import { Asking, type Wanted } from "./asking.ts";
import { type Client, Refusal } from "./client.ts";
import { Follower } from "./follower.ts";
import { type Model, REFRESH_S } from "./model.ts";
import { delayMs } from "./retry.ts";

/** Time between the first and the second refresh. */
const SECOND_MS = 2_000;
/** State of the connection to the daemon, as shown to the user. */
export type Connection =
  | { state: "connecting" | "live" | "stopped" }
  /** The page shows old figures. */
  | { state: "trouble"; why: string }
  | { state: "token"; isWrong: boolean };

export interface LiveOptions {
  client: Client;
  model: Model;
  wanted(): Wanted;
  changed(connection: Connection): void;
}

/** Requests data from the daemon every five seconds, and follows live events about losses, storms and the budget. */
export class Live {
  readonly #options: LiveOptions;
  readonly #asking: Asking;
  readonly #follower: Follower;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** Whether another refresh follows right after the current one. */
  #isHurried = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    const { client, model } = options;
    this.#asking = new Asking(client, model);
    this.#follower = new Follower({
      client,
      event: (type, data) => model.event(type, data, performance.now(), Date.now()),
    });
  }

  /** Why the page receives no live events; null if it does. */
  get trouble(): string | null {
    return this.#follower.trouble;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.#failures = 0;
    this.#asking.begin();
    this.#options.changed({ state: "connecting" });
    void this.#refresh(this.#abort.signal);
  }

  stop(): void {
    if (!this.#abort) return;
    this.#end();
    this.#options.changed({ state: "stopped" });
  }

  /** Refreshes immediately, for example after a change of the view. */
  hurry(): void {
    if (!this.#abort || this.#failures > 0) return;
    // A refresh for the previous request is still running.
    this.#isHurried = this.#timer === undefined;
    if (this.#isHurried) return;
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
    this.#isHurried = false;
    let nextMs: number;
    try {
      const { model, changed, wanted } = this.#options;
      const answers = await this.#asking.load(wanted(), signal);
      if (signal.aborted) return;
      model.take(answers, performance.now(), Date.now());
      this.#failures = 0;
      this.#follower.follow(model.wantedTypes);
      changed({ state: "live" });
      // A rate needs two refreshes, so the second one follows soon.
      nextMs = this.#isHurried ? 0 : model.rate === null ? SECOND_MS : REFRESH_S * 1000;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 401) {
        this.#end();
        return this.#options.changed({ state: "token", isWrong: this.#options.client.token !== null });
      }
      this.#asking.begin();
      nextMs = delayMs(this.#failures++, error.retryAfterS);
      const again = `tries again in ${Math.round(nextMs / 1000)} s`;
      this.#options.changed({ state: "trouble", why: `${error.message} (${again})` });
    }
    this.#timer = setTimeout(() => void this.#refresh(signal), nextMs);
  }
}
