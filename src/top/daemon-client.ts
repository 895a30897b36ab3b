import { statSync } from "node:fs";
import type * as z from "zod/mini";
import { cannotRunError, LinnixError } from "../errors.ts";
import { exactJson } from "../json/exact-json.ts";
import type { DaemonAddress } from "./address.ts";

/** Time-out of a request, ms. */
const ANSWER_MS = 5000;
/** Maximum length of a line of the event stream, characters. The longest is an exit with all its arguments, escaped. */
const MAX_LINE = 1024 * 1024;

/** Patterns of the runtime's errors, each with the text for the user. */
const WHY: readonly (readonly [RegExp, string])[] = [
  [/TimeoutError/, "no answer within 5 s"],
  [/ECONNREFUSED|ConnectionRefused/, "nothing listens there"],
  [/ENOENT|FailedToOpenSocket/, "there is no such socket"],
  [/ENOTFOUND|EAI_|DNS/, "no such host is known"],
  [/ECONNRESET|ConnectionClosed|closed unexpectedly/, "the connection ended before the answer"],
];

const PATH_PROBLEMS: Readonly<Record<string, string>> = {
  ENOTDIR: "a part of the path is a file, not a folder",
  ELOOP: "the path has too many symbolic links",
  ENAMETOOLONG: "the path is too long",
};

/** Why no daemon can have its socket at the path; null if a socket is there, or if the path does not exist. */
function problemOfPath(path: string): string | null {
  try {
    return statSync(path).isSocket() ? null : `${path} is not a socket`;
  } catch (cause) {
    const { code } = cause as { code?: string };
    return PATH_PROBLEMS[code ?? ""] ?? null;
  }
}

/** Requests to a running daemon. */
export class DaemonClient {
  readonly #address: DaemonAddress;
  readonly #headers: Record<string, string>;

  constructor(address: DaemonAddress, token: string | null) {
    this.#address = address;
    this.#headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  }

  /**
   * Sends a request, and parses and checks the answer.
   * @throws LinnixError (exit code 3) if there is no answer, or if it does not have the expected shape
   */
  async get<T>(path: string, shape: z.ZodMiniType<T>): Promise<T> {
    const response = await this.#request(path, AbortSignal.timeout(ANSWER_MS));
    let text: string;
    try {
      text = await response.text();
    } catch (cause) {
      throw this.#noAnswer(cause);
    }
    const parsed = shape.safeParse(exactJson(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const why = `${path}: ${issue?.path.join(".") || "the answer"}: ${issue?.message ?? "not as expected"}`;
    throw this.#error(
      "sends an answer that this linnix cannot read",
      why,
      "run the same version of linnix on both sides",
    );
  }

  /** Calls `event` with the data of each event until the stream ends. @throws LinnixError if there is no answer */
  async follow(path: string, abort: AbortSignal, event: (data: unknown) => void): Promise<void> {
    const response = await this.#request(path, abort);
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const bytes of response.body ?? []) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.startsWith("data:")) event(exactJson(line.slice("data:".length)));
        if (rest.length > MAX_LINE) throw this.#error("sends no events", "a line of its stream is too long");
      }
    } catch (cause) {
      if (!abort.aborted) throw cause instanceof LinnixError ? cause : this.#noAnswer(cause);
    }
  }

  async #request(path: string, signal: AbortSignal): Promise<Response> {
    const { url, socket } = this.#address;
    let response: Response;
    try {
      response = await fetch(`${url}${path}`, {
        headers: this.#headers,
        signal,
        redirect: "error",
        ...(socket !== null && { unix: socket }),
      });
    } catch (cause) {
      throw this.#noAnswer(cause);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw this.#refused(path, response.status);
  }

  #refused(path: string, status: number): LinnixError {
    if (status === 401) {
      const hint = "give the daemon's token by --token-file FILE, or by LINNIX_API_TOKEN in the environment";
      return this.#error("refuses the request", "it requires its token", hint);
    }
    if (status === 403) return this.#error("refuses the request", "this account or host may not send requests to it");
    if (status === 409) return this.#error("sends no such events", "its level of detail does not report them");
    if (status === 429)
      return this.#error("refuses the request", "it has too many clients, or its CPU budget for answers is used up");
    return this.#error("gives no answer", `${path}: status ${status}`, "check that linnix collect --listen runs there");
  }

  #noAnswer(cause: unknown): LinnixError {
    const { code, name, message } = cause as { code?: string; name?: string; message?: string };
    const { socket, text } = this.#address;
    if (code === "EACCES" || code === "EPERM") {
      const hint = "use sudo, or run it as a member of the group that api.socket_group names";
      return this.#error("cannot be reached", "permission denied", hint);
    }
    const said = message ?? String(cause);
    const known = WHY.find(([pattern]) => pattern.test(`${code} ${name} ${said}`));
    const problem = socket === null ? null : problemOfPath(socket);
    if (problem !== null) {
      return this.#error("cannot be reached", problem, "name the socket of a daemon: unix:/run/linnix/linnix.sock");
    }
    return this.#error("cannot be reached", known?.[1] ?? said, `start a daemon: sudo linnix collect --listen ${text}`);
  }

  #error(what: string, why: string, hint?: string): LinnixError {
    return cannotRunError("daemon", { what: `the daemon at ${this.#address.text} ${what}`, why, hint });
  }
}
