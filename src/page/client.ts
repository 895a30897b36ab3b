import { exactJson } from "../json/exact-json.ts";

/** Time-out of a request, ms. */
const ANSWER_MS = 10_000;

/** A failed request: the daemon refuses it, or does not answer. */
export class Refusal extends Error {
  /** Status code of the answer; 0 if there was no answer. */
  readonly status: number;
  /** Time to wait before the next attempt, as the daemon requests it; 0 if it does not. */
  readonly retryAfterS: number;

  constructor(status: number, detail: string, retryAfterS = 0) {
    super(detail);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Requests to the daemon that the page comes from. */
export class Client {
  token: string | null = null;

  /** @throws Refusal */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await this.open(path, {}, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
    const body = exactJson(await response.text().catch((cause) => Promise.reject(noAnswer(cause))));
    if (body === undefined) throw new Refusal(response.status, `${path}: the answer is not JSON`);
    return body;
  }

  /** The reasons of /readyz, which its 503 also contains. @throws Refusal */
  async reasons(signal: AbortSignal): Promise<readonly string[]> {
    const all = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    const response = await this.#fetch("/readyz", {}, all);
    if (!response.ok && response.status !== 503) throw await refusalOf(response);
    const { reasons = [] } = (exactJson(await response.text()) ?? {}) as { reasons?: string[] };
    return reasons;
  }

  /** Sends a request and returns the answer; its body is not read yet. @throws Refusal */
  async open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const response = await this.#fetch(path, headers, signal);
    if (response.ok) return response;
    throw await refusalOf(response);
  }

  async #fetch(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const all: Record<string, string> = { Accept: "application/json, text/event-stream", ...headers };
    if (this.token !== null) all.Authorization = `Bearer ${this.token}`;
    try {
      // Relative to the page, because a proxy may serve it below a path of its own.
      return await fetch(`.${path}`, {
        headers: all,
        signal,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
    } catch (cause) {
      throw noAnswer(cause);
    }
  }
}

function noAnswer(cause: unknown): Refusal {
  const isLate = cause instanceof Error && cause.name === "TimeoutError";
  return new Refusal(0, isLate ? "no answer within 10 s" : "no connection");
}

async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text().catch(() => "");
  const { detail } = (exactJson(text) ?? {}) as { detail?: unknown };
  const said = typeof detail === "string" ? detail : `status ${response.status}`;
  return new Refusal(response.status, said, Number(response.headers.get("retry-after")) || 0);
}
