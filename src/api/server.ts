import { log } from "../config/log.ts";
import { cannotRunError, type LinnixError } from "../errors.ts";
import type { EventView } from "../process/event-view.ts";
import type { Sink } from "../sinks/sink.ts";
import { refusalCode, refusalHint } from "../sys/refusal.ts";
import { VERSION } from "../version.ts";
import type { TotalsEvent } from "../wire/event.ts";
import { AnswerBudget } from "./answer-budget.ts";
import { AnswerCache } from "./answer-cache.ts";
import { RecentCommands } from "./commands.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import { EventStream, type StreamNotice } from "./event-stream.ts";
import { giveBack } from "./give-back.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";
import { Problem } from "./problem.ts";
import {
  checkBody,
  checkHost,
  checkSite,
  checkTarget,
  corsHeaders,
  isPreflight,
  MAX_BODY_BYTES,
  preflight,
} from "./request-checks.ts";
import { RequestCounts } from "./request-counts.ts";
import type { Answer, ApiContext, Route, RouteCall } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { ScarceAnswers } from "./scarce-answers.ts";
import type { ApiSource } from "./source.ts";
import { StreamPlaces } from "./stream-places.ts";
import { Tidy } from "./tidy.ts";
import { type TokenCheck, tokenCheck } from "./token.ts";
import { UnderWay } from "./under-way.ts";
import { type PlacedSocket, placeSocket, type SocketOwner } from "./unix-socket.ts";

export interface ApiOptions {
  /** `127.0.0.1:3000`, `[::1]:3000` or `unix:/path`. */
  listen: string;
  /** File with the bearer token. `LINNIX_API_TOKEN` takes precedence. */
  tokenFile: string | null;
  /** Origins whose pages may read answers. */
  allowOrigins: readonly string[];
  /** Maximum number of clients that follow live events. */
  maxClients: number;
  /** Maximum number of events kept for clients that reconnect. */
  historyEvents: number;
  /** Maximum memory of these events, bytes. */
  historyBytes: number;
  /** The CPU budget of answering, % of one core; 0: no limit. */
  cpuBudgetPct: number;
  heartbeatMs: number;
  /** The owner of the Unix socket, if it is not the account of this process. */
  socketOwner?: SocketOwner | undefined;
}

/** Options that can change while the server runs. */
export type ApiChanges = Pick<ApiOptions, "tokenFile" | "allowOrigins" | "maxClients" | "heartbeatMs" | "cpuBudgetPct">;

/** The running HTTP API. */
export interface ApiServer extends Sink {
  /** Where the server listens, for messages: `http://127.0.0.1:3000/` or `unix:/path`. */
  readonly url: string;
  /** Clients that follow live events. */
  readonly clients: number;
  /** Connections that are open. */
  readonly connections: number;
  /** Whether the server accepts no connections at the moment. */
  readonly isPaused: boolean;
  /** Whether every account of this machine can send requests: the server has a TCP address and no token. */
  readonly isOpenToAll: boolean;
  /** CPU time that went into answering requests, ns. Sending live events is not included. */
  readonly answeringNs: number;
  notice(notice: StreamNotice): void;
  /**
   * @returns whether requests now need a different token, need one for the first time, or need none any more
   * @throws LinnixError if the token cannot be read any more; nothing has changed then
   */
  reconfigure(changes: ApiChanges): boolean;
  /** Drops events and answers that were made before redaction was switched on. */
  forget(): void;
  /** Stops listening and ends all responses. */
  close(): Promise<void>;
}

/** An idle connection is closed after this time. An event stream is never idle. */
const IDLE_TIMEOUT_S = 30;
/** Time-out that closes the connection of a stuck client: the shortest that Bun supports. */
const CUT_OFF_S = 1;
/** Maximum number of connections of all peers together. The limit of one peer is `MAX_PER_PEER`. */
const MAX_CONNECTIONS = 1024;
/** How long linnix waits at the end of the run for answers that are being sent. */
const CLOSE_MS = 500;

/**
 * Starts the HTTP API.
 * @throws LinnixError exit code 2 if the address or token is invalid, 3 if linnix cannot listen at the address
 */
export async function startApi(options: ApiOptions, source: ApiSource): Promise<ApiServer> {
  const address = parseListenAddress(options.listen);
  const server = new Server(options, address, source);
  await server.listen();
  return server;
}

class Server implements ApiServer {
  readonly #address: ListenAddress;
  readonly #options: ApiOptions;
  readonly #context: ApiContext;
  readonly #source: ApiSource;
  readonly #stream: EventStream;
  readonly #commands = new RecentCommands();
  readonly #tidy = new Tidy();
  readonly #underWay = new UnderWay();
  readonly #byPath = new Map<string, Route>();
  #token: TokenCheck | null;
  #allowOrigins: readonly string[];
  #server: Bun.Server<undefined> | undefined;
  #socket: PlacedSocket | undefined;
  #connections: ConnectionLimit | undefined;
  readonly #places: StreamPlaces;
  readonly #budget: AnswerBudget;
  readonly #scarce = new ScarceAnswers();

  constructor(options: ApiOptions, address: ListenAddress, source: ApiSource) {
    this.#options = options;
    this.#address = address;
    this.#source = source;
    this.#token = tokenCheck(address, options);
    this.#allowOrigins = options.allowOrigins;
    const { maxClients, historyEvents, historyBytes, heartbeatMs } = options;
    this.#stream = new EventStream({ maxClients, historyEvents, historyBytes, heartbeatMs });
    this.#places = new StreamPlaces(() => this.#connections);
    this.#budget = new AnswerBudget(options.cpuBudgetPct, () => source.answerTime.ns);
    this.#context = {
      version: VERSION,
      source,
      stream: this.#stream,
      requests: new RequestCounts(),
      cache: new AnswerCache(),
      commands: this.#commands,
      connections: () => this.#connections,
    };
    for (const route of ROUTES) this.#byPath.set(route.path, route);
  }

  get url(): string {
    if (this.#address.kind === "unix") return `unix:${this.#address.path}`;
    return this.#server?.url.href ?? "";
  }

  get clients(): number {
    return this.#stream.clients;
  }

  get connections(): number {
    return this.#connections?.count ?? 0;
  }

  get isPaused(): boolean {
    return this.#connections?.isPaused === true;
  }

  /** Whether requests are being answered, including live events, or new connections wait. */
  get isBusy(): boolean {
    // A pause of accepting ends by a timer.
    return this.isPaused || this.#stream.clients > 0 || (this.#server?.pendingRequests ?? 0) > 0;
  }

  async listen(): Promise<void> {
    const address = this.#address;
    if (address.kind === "unix") {
      const place = (path: string) => {
        // On a Unix socket, Bun cannot switch off the time-out for a single request, so it is off for all requests.
        // Only root, the owner and the group can connect.
        const options = { ...this.#handlers(), unix: path, idleTimeout: 0 };
        this.#limitConnections(() => Bun.serve(options as unknown as Bun.Serve.Options<undefined>));
      };
      try {
        this.#socket = await placeSocket(address.path, this.#options.socketOwner, place);
      } catch (error) {
        await this.#server?.stop(true);
        throw error;
      }
      return;
    }
    try {
      // By default, Bun would share the port with another program that listens there.
      const options = { ...this.#handlers(), hostname: address.host, port: address.port, reusePort: false };
      this.#limitConnections(() => Bun.serve(options));
    } catch (cause) {
      throw listenError(this.#options.listen, cause);
    }
  }

  #limitConnections(serve: () => Bun.Server<undefined>): void {
    this.#connections = new ConnectionLimit({
      max: MAX_CONNECTIONS,
      listen: () => {
        this.#server = serve();
      },
      streams: () => this.#stream.clients,
      isStream: (peer) => this.#places.holds(peer),
      closeIdle: () => this.#server?.closeIdleConnections(),
    });
  }

  get isOpenToAll(): boolean {
    return this.#address.kind === "tcp" && this.#token === null;
  }

  get answeringNs(): number {
    return this.#source.answerTime.ns;
  }

  begins(): void {
    this.#source.answerTime.end();
  }

  write(view: EventView): void {
    this.#stream.event(view);
    this.#commands.event(view);
  }

  notice(notice: StreamNotice): void {
    this.#stream.notice(notice);
  }

  totals(lines: readonly TotalsEvent[]): void {
    for (const line of lines) this.#stream.notice(line);
  }

  flush(): void {
    this.#stream.flush();
    this.#tidy.handedOn(this.#stream.totals.bytes);
    this.#source.flushed();
    this.#commands.tick(this.#source.reported.detail);
    this.#context.cache.sweep(this.#source.generation);
    this.#scarce.sweep();
    this.#connections?.check();
  }

  reconfigure({ tokenFile, allowOrigins, maxClients, heartbeatMs, cpuBudgetPct }: ApiChanges): boolean {
    const former = this.#token;
    this.#token = tokenCheck(this.#address, { listen: this.#options.listen, tokenFile });
    this.#allowOrigins = allowOrigins;
    this.#stream.reconfigure({ maxClients, heartbeatMs });
    this.#budget.pct = cpuBudgetPct;
    return former === null || this.#token === null ? former !== this.#token : !former.equals(this.#token);
  }

  forget(): void {
    this.#stream.forget();
    this.#context.cache.clear();
  }

  async close(): Promise<void> {
    this.#stream.close();
    this.#connections?.close();
    this.#socket?.remove();
    this.#socket = undefined;
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    // Waits a moment for answers that are being sent, but not for clients that do not read.
    await Promise.race([server.stop(false), Bun.sleep(CLOSE_MS)]);
    await server.stop(true);
  }

  #handlers() {
    return {
      idleTimeout: IDLE_TIMEOUT_S,
      maxRequestBodySize: MAX_BODY_BYTES,
      development: false,
      fetch: (request: Request, server: Bun.Server<undefined>) => this.#fetch(request, server),
      error: (error: Error) => this.#failure(error),
    } as const;
  }

  async #fetch(request: Request, server: Bun.Server<undefined>): Promise<Response> {
    this.#source.answerTime.begin();
    const response = await this.#answer(request, server).catch((error: unknown) => this.#failure(error));
    this.#context.requests.add(response.status);
    const { headers } = response;
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Cache-Control", "no-store");
    for (const [name, value] of corsHeaders(request, this.#allowOrigins)) headers.append(name, value);
    if (this.#budget.ask() === "refuse") {
      // The next request of this client then needs a new connection, and linnix can let new connections wait.
      headers.set("Connection", "close");
      const restMs = this.#budget.restMs();
      if (restMs > 0) this.#connections?.restFor(restMs);
    }
    return response;
  }

  async #answer(request: Request, server: Bun.Server<undefined>): Promise<Response> {
    checkTarget(request);
    checkBody(request);
    const url = URL.parse(request.url, "http://localhost");
    const { route, pid } = this.#route(url?.pathname ?? "");
    checkHost(request.headers.get("host"), this.#address, this.#token === null && !route?.isProbe);
    if (isPreflight(request) && this.#allowOrigins.length > 0) return preflight();
    checkSite(request, this.#allowOrigins, route?.isStream === true);
    if (!route?.open) this.#checkToken(request);
    if (!route || !url) throw new Problem(404, "There is no such path; / lists all paths.");
    if (request.method !== "GET" && request.method !== "HEAD") {
      throw new Problem(405, "Only GET and HEAD are supported.", { Allow: "GET, HEAD" });
    }
    const place = () => this.#places.find(server.requestIP(request), this.#stream.maxClients);
    // On a Unix socket, Bun does not support a time-out for a single request.
    const cutOff = this.#address.kind === "unix" ? undefined : () => server.timeout(request, CUT_OFF_S);
    const call = { context: this.#context, request, search: url.searchParams, pid, cutOff, place };
    const given = this.#given(route, call);
    // Awaits only if necessary, because another request may release a cached answer in between.
    const { body, type, headers, isKept }: Answer = given instanceof Promise ? await given : given;
    this.#tidy.answered(typeof body === "string" ? body.length : 0);
    if (body instanceof Uint8Array && !this.#underWay.add(body.length, this.#othersUnderWay(server))) {
      if (!isKept) giveBack(body);
      throw new Problem(429, "Answers that clients have not read yet take too much memory.", { "Retry-After": "5" });
    }
    // A stream sends no events while nothing happens. Its heartbeat keeps it alive and detects dead clients.
    if (body instanceof ReadableStream) server.timeout(request, 0);
    const response = new Response(body as ConstructorParameters<typeof Response>[0], {
      headers: { ...headers, "Content-Type": type },
    });
    // The response has a copy, which is released as soon as it is sent.
    if (body instanceof Uint8Array && !isKept) giveBack(body);
    return response;
  }

  #given(route: Route, call: RouteCall): Answer | Promise<Answer> {
    if (route.isProbe || this.#budget.ask() === "answer") return route.handle(call);
    const key = route.scarce?.(call);
    if (key !== undefined) return this.#scarce.give(`${route.path} ${key}`, () => route.handle(call) as Answer);
    const detail = "The CPU budget for answers is used up (api.cpu_budget).";
    throw new Problem(429, detail, { "Retry-After": String(this.#budget.retryAfterS) });
  }

  /** Number of answers that are still being sent, without live events and the current answer. */
  #othersUnderWay(server: Bun.Server<undefined>): number {
    return server.pendingRequests - this.#stream.clients - 1;
  }

  #route(path: string): { route: Route | undefined; pid: string } {
    const exact = this.#byPath.get(path);
    if (exact || path.includes("{")) return { route: exact, pid: "" };
    const slash = path.lastIndexOf("/");
    const pid = path.slice(slash + 1);
    return { route: pid === "" ? undefined : this.#byPath.get(`${path.slice(0, slash)}/{pid}`), pid };
  }

  #checkToken(request: Request): void {
    const authorization = request.headers.get("authorization");
    if (this.#token === null || this.#token.allows(authorization)) return;
    const error = authorization === null ? "" : ', error="invalid_token"';
    throw new Problem(401, "This path needs the bearer token of this server.", {
      "WWW-Authenticate": `Bearer realm="linnix"${error}`,
      // A client without the token must not keep a connection that another client could use.
      Connection: "close",
    });
  }

  #failure(error: unknown): Response {
    if (error instanceof Problem) return error.response();
    log.error(`the HTTP API could not answer a request: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof Error) log.debug(error.stack ?? "");
    return new Problem(500, "An internal error of linnix. Its log has the details.").response();
  }
}

function listenError(listen: string, cause: unknown): LinnixError {
  const { code = "", message = String(cause) } = cause as { code?: string; message?: string };
  const text = {
    EADDRINUSE: { why: "another program listens there", hint: "choose another port, or stop that program" },
    EADDRNOTAVAIL: { why: "this machine has no such address", hint: "choose an address that `ip address` lists" },
    EACCES: { why: "ports below 1024 need CAP_NET_BIND_SERVICE", hint: "choose a port from 1024 on" },
  }[code] ?? { why: message, hint: refusalHint(refusalCode(cause)) ?? "choose another address" };
  return cannotRunError("listen", { what: `cannot listen at ${listen}`, ...text }, { cause });
}
