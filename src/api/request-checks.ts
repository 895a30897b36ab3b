import { isIPv4 } from "./ip-address.ts";
import { isLoopback, type ListenAddress } from "./listen-address.ts";
import { Problem } from "./problem.ts";

/** Maximum length of a request's target, characters. Bun limits the headers together to 16 KiB. */
const MAX_URL_LENGTH = 8192;
/** Maximum size of a request's body. No route uses a body. */
export const MAX_BODY_BYTES = 4096;

/** @throws Problem 414 */
export function checkTarget(request: Request): void {
  // The target in the request line has no scheme and host. The runtime adds them.
  const { url } = request;
  const scheme = url.indexOf("://");
  const from = scheme < 0 ? 0 : url.indexOf("/", scheme + "://".length);
  if (url.length - from <= MAX_URL_LENGTH) return;
  throw new Problem(414, `The target of a request has at most ${MAX_URL_LENGTH} characters.`);
}

/**
 * Checks the length of the body. The runtime checks it only for methods such as POST and PUT, and would read the whole
 * body of a GET.
 * @throws Problem 411 for a body of unknown length, 413 for a long one
 */
export function checkBody({ headers }: Request): void {
  // linnix does not read the body, so the connection cannot be used for another request.
  const closing = { Connection: "close" };
  if (headers.has("transfer-encoding")) {
    throw new Problem(411, "A body without Content-Length is not accepted; no request needs a body.", closing);
  }
  if (Number(headers.get("content-length") ?? 0) <= MAX_BODY_BYTES) return;
  throw new Problem(413, `A body has at most ${MAX_BODY_BYTES} bytes; no request needs one.`, closing);
}

/**
 * Refuses requests from web pages of other origins. Such a page cannot read the answer, but it could make linnix
 * compute answers, and take the places of event streams. A user who follows a link from such a page gets an answer,
 * unless the route is an event stream.
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
  throw new Problem(403, "Web pages of this origin may not send requests: api.allow_origins does not list it.");
}

/** Values of `Sec-Fetch-Site` that are allowed. `none` means that the user typed the address. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

/** Whether the origin of the page has the same host and port as the `Host` header of the request. */
function isOwn(origin: string, headers: Headers): boolean {
  return URL.parse(origin)?.host === headers.get("host")?.toLowerCase();
}

/**
 * Guards against DNS rebinding: an attacker lets the name of a web page resolve to this machine, and requests of the
 * page then have that name in `Host`. On a loopback address, linnix accepts only loopback names and addresses. Other
 * addresses accept any name, because they require a token, which such a page does not have. Browsers cannot connect to
 * a Unix socket.
 *
 * @param needsHost whether a request without `Host` (HTTP/1.0) is refused. Every browser sends `Host`
 * @throws Problem 400 if `Host` is missing or invalid, 421 if it names another server
 */
export function checkHost(header: string | null, address: ListenAddress, needsHost: boolean): void {
  if (address.kind === "unix" || (header === null && !needsHost)) return;
  const name = hostnameOf(header);
  if (name === null) throw new Problem(400, "The request needs one Host header with a host name or address.");
  if (!address.isLoopback || isLoopbackName(name)) return;
  throw new Problem(421, "This server answers for loopback names only: use 127.0.0.1, [::1] or localhost.");
}

/** The name or address without port, brackets and final dot; null if the header is missing or invalid. */
function hostnameOf(header: string | null): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{0,5}))?$/.exec(header ?? "");
  // A URL with a larger port could not be parsed.
  if (!match || Number(match[3] ?? 0) > 65_535) return null;
  return match[1] ?? (match[2] as string).replace(/\.$/, "").toLowerCase();
}

function isLoopbackName(name: string): boolean {
  // RFC 6761, section 6.3: names below localhost are loopback too, and resolvers must not send them to a name server.
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  return isIPv4(name) || name.includes(":") ? isLoopback(name) : false;
}

/**
 * Whether the request is a CORS preflight: a browser asks, without credentials, what a page of another origin may do
 * (https://fetch.spec.whatwg.org/#http-cors-protocol).
 */
export function isPreflight(request: Request): boolean {
  const { headers, method } = request;
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** The answer to a CORS preflight. As to every answer, `corsHeaders` adds the allowed origin. */
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

/** The CORS headers of an answer: none if `allowOrigins` is empty. */
export function corsHeaders(request: Request, allowOrigins: readonly string[]): [name: string, value: string][] {
  if (allowOrigins.length === 0) return [];
  const vary: [string, string] = ["Vary", "Origin"];
  const origin = request.headers.get("origin");
  // Never `*`, because only pages of these origins may read answers.
  return origin !== null && allowOrigins.includes(origin) ? [vary, ["Access-Control-Allow-Origin", origin]] : [vary];
}
