import type { AnswerCache } from "./answer-cache.ts";
import type * as answers from "./answers.ts";
import type { RecentCommands } from "./commands.ts";
import type { ConnectionLimit } from "./connection-limit.ts";
import type { EventStream } from "./event-stream.ts";
import type { Params } from "./params.ts";
import type { ProblemStatus } from "./problem.ts";
import type { RequestCounts } from "./request-counts.ts";
import type { ApiSource } from "./source.ts";
import type { StreamPlace } from "./stream-places.ts";

/** What handlers work with. */
export interface ApiContext {
  version: string;
  source: ApiSource;
  stream: EventStream;
  requests: RequestCounts;
  cache: AnswerCache;
  commands: RecentCommands;
  /** Undefined until it listens. */
  connections(): ConnectionLimit | undefined;
}

/** One request that has passed all checks. */
export interface RouteCall {
  context: ApiContext;
  request: Request;
  search: URLSearchParams;
  /** The value of `{pid}` in the path. */
  pid: string;
  /** Ends the connection soon, even if the client has not taken everything; undefined: that is not possible. */
  cutOff: (() => void) | undefined;
  /** Takes a place among the event streams; undefined: this client has its share. */
  place(): StreamPlace | undefined;
}

export interface Answer {
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  type: string;
  headers?: Readonly<Record<string, string>>;
  /** Whether the body is kept for other answers. Otherwise the server releases its bytes. */
  isKept?: boolean;
}

/** A name of `answers.ts`, or text of another kind. */
type AnswerSchema = Exclude<keyof typeof answers, "container"> | "text";

export interface Route {
  /** With `{pid}` at its end where it takes one. */
  path: string;
  operationId: string;
  summary: string;
  description: string;
  params: Params;
  /** Whether it is answered without the token. */
  open?: true;
  /** Whether it reports the state of this process, and is answered even while other requests are refused. */
  isProbe?: true;
  /**
   * The key of an answer that requests share once the budget for answers is used up: then the server makes it at most
   * once a second, and sends it instead of a 429. Undefined: this request gets the 429.
   */
  scarce?: (call: RouteCall) => string | undefined;
  /** Whether the answer has no end. */
  isStream?: true;
  /** Media type and schema of the response. */
  gives: Readonly<Record<string, AnswerSchema>>;
  /** Problems that only this route can return, in addition to those of every route. */
  problems: Partial<Record<ProblemStatus, string>>;
  handle(call: RouteCall): Answer | Promise<Answer>;
}
