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

/** The objects that handlers use. */
export interface ApiContext {
  version: string;
  source: ApiSource;
  stream: EventStream;
  requests: RequestCounts;
  cache: AnswerCache;
  commands: RecentCommands;
  /** Undefined until the server listens. */
  connections(): ConnectionLimit | undefined;
}

/** One request that has passed all checks. */
export interface RouteCall {
  context: ApiContext;
  request: Request;
  search: URLSearchParams;
  /** The value of `{pid}` in the path. */
  pid: string;
  /** Closes the connection soon, even if the client has not read the whole response; undefined if it cannot. */
  cutOff: (() => void) | undefined;
  /** Takes a place for an event stream; returns undefined if this peer already has its share of the places. */
  place(): StreamPlace | undefined;
}

export interface Answer {
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  type: string;
  headers?: Readonly<Record<string, string>>;
  /** Whether the body is kept for later requests. Otherwise the server releases its bytes. */
  isKept?: boolean;
}

/** The name of a schema in `answers.ts`; `text` for an answer without such a schema. */
type AnswerSchema = Exclude<keyof typeof answers, "container"> | "text";

export interface Route {
  /** Ends with `{pid}` if the route takes a pid. */
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
   * Returns the key of an answer that the server sends even if the budget for answers is used up. The server then makes
   * this answer at most once a second, and requests with the same key share it. Undefined: such a request gets a 429.
   */
  scarce?: (call: RouteCall) => string | undefined;
  /** Whether the answer has no end. */
  isStream?: true;
  /** Media types of the response, each with its schema. */
  gives: Readonly<Record<string, AnswerSchema>>;
  /** Problems that only this route can return, in addition to those of every route. */
  problems: Partial<Record<ProblemStatus, string>>;
  handle(call: RouteCall): Answer | Promise<Answer>;
}
