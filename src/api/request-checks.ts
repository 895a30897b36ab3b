import { isIPv4 } from "./ip-address.ts";
import { isLoopback, type ListenAddress } from "./listen-address.ts";
import { Problem } from "./problem.ts";

/** Longest target of a request; the headers together have 16 KiB (Bun's limit). */
const MAX_URL_LENGTH = 8192;
/** No route uses a body. */
export const MAX_BODY_BYTES = 4096;

/** @throws Problem 414 */
export function checkTarget(request: Request): void {
  // The target as in the request line: without scheme and host, which the runtime adds.
  const { url } = request;
  const scheme = url.indexOf("://");
  const from = scheme < 0 ? 0 : url.indexOf("/", scheme + "://".length);
  if (url.length - from <= MAX_URL_LENGTH) return;
  throw new Problem(414, `The target of a request has at most ${MAX_URL_LENGTH} characters.`);
}

/**
 * The runtime checks the length of bodies of POST, PUT and the like only. It would read a body of GET to its end.
 * @throws Problem 411 for a body of unknown length, 413 for a long one
 */
export function checkBody({ headers }: Request): void {
  // The body is not read: the connection cannot be used for another request.
  const closing = { Connection: "close" };
  if (headers.has("transfer-encoding")) {
    throw new Problem(411, "A body needs a Content-Length; no request needs a body.", closing);
  }
  if (Number(headers.get("content-length") ?? 0) <= MAX_BODY_BYTES) return;
  throw new Problem(413, `A body has at most ${MAX_BODY_BYTES} bytes; no request needs one.`, closing);
}

/**
 * Refuses requests of pages of other origins. Such a page cannot read the answer, but it could make linnix compute it, and
 * could take places of event streams. A user who follows a link gets an answer, if the route ends.
 * @throws Problem 403
 */
export function checkSite({ headers }: Request, allowOrigins: readonly string[], isStream: boolean): void {
  const origin = headers.get("origin");
  if (origin !== null && allowOrigins.includes(origin)) return;
  const site = headers.get("sec-fetch-site");
  // Set by the browser, not by the page (https://w3c.github.io/webappsec-fetch-metadata/).
  const isForeign = site === null ? isStream && origin !== null && !isOwn(origin, headers) : !OWN_SITES.has(site);
  if (!isForeign) return;
  const isLink = headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
  if (isLink && !isStream) return;
  throw new Problem(403, "Pages of this origin may not ask: allow_origins does not list it.");
}

/** `none`: the user typed the address. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

/** Whether the page was served under the name that this request is for. */
function isOwn(origin: string, headers: Headers): boolean {
  return URL.parse(origin)?.host === headers.get("host")?.toLowerCase();
}

/**
 * Guards against DNS rebinding: a web page whose name is made to point at this machine sends that name as Host. On a
 * loopback address only loopback names and addresses are accepted. Elsewhere a token is needed, which such a page does not
 * have, and the owner chooses the name of the machine. Browsers cannot connect to a Unix socket.
 *
 * @param needsHost whether a request of HTTP/1.0 without Host is refused; every browser sends one
 * @throws Problem 400 if Host is missing or no host at all, 421 where it is not us
 */
export function checkHost(header: string | null, address: ListenAddress, needsHost: boolean): void {
  if (address.kind === "unix" || (header === null && !needsHost)) return;
  const name = hostnameOf(header);
  if (name === null) throw new Problem(400, "The request needs one Host header with a host name or address.");
  if (!address.isLoopback || isLoopbackName(name)) return;
  throw new Problem(421, "This server answers for loopback names only: use 127.0.0.1, [::1] or localhost.");
}

/** The name or address without its port, brackets and final dot; null if the header is none. */
function hostnameOf(header: string | null): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{0,5}))?$/.exec(header ?? "");
  // A URL has no larger port, and could not be parsed with it.
  if (!match || Number(match[3] ?? 0) > 65_535) return null;
  return match[1] ?? (match[2] as string).replace(/\.$/, "").toLowerCase();
}

function isLoopbackName(name: string): boolean {
  // RFC 6761, section 6.3: names below localhost are loopback too, and resolvers must not send them to a name server.
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  return isIPv4(name) || name.includes(":") ? isLoopback(name) : false;
}

/**
 * Whether a browser asks beforehand, without credentials, what a page of another origin may do:
 * https://fetch.spec.whatwg.org/#http-cors-protocol.
 */
export function isPreflight(request: Request): boolean {
  const { headers, method } = request;
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** The answer to that; `corsHeaders` adds which origin may, as to every other answer. */
export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": "GET, HEAD",
      "Access-Control-Allow-Headers": "Authorization, Last-Event-ID",
      "Access-Control-Max-Age": "600",
    },
  });
}

/** Headers of any answer: none if no origin is allowed. */
export function corsHeaders(request: Request, allowOrigins: readonly string[]): [name: string, value: string][] {
  if (allowOrigins.length === 0) return [];
  const vary: [string, string] = ["Vary", "Origin"];
  const origin = request.headers.get("origin");
  // Never *: the answers are for these pages only.
  return origin !== null && allowOrigins.includes(origin) ? [vary, ["Access-Control-Allow-Origin", origin]] : [vary];
}
