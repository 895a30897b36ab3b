/** What is checked of a request before its route: its size, and which page it comes from. */
import { Problem } from "./problem.ts";

/** Longest target of a request; the headers together have 16 KiB (Bun's limit). */
const MAX_URL_LENGTH = 8192;
/** No route uses a body. */
export const MAX_BODY_BYTES = 4096;

/** @throws Problem 414 */
export function checkTarget(request: Request): void {
  // Of the request's line: without scheme and host, which the runtime puts before it.
  const { url } = request;
  const scheme = url.indexOf("://");
  const from = scheme < 0 ? 0 : url.indexOf("/", scheme + "://".length);
  if (url.length - from <= MAX_URL_LENGTH) return;
  throw new Problem(414, `The target of a request has at most ${MAX_URL_LENGTH} characters.`);
}

/**
 * The runtime checks the length of bodies of POST, PUT and the like only; a body of GET it would read to its end.
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
 * Refuses requests that a page of another origin makes. Such a page cannot read the answer, but it could have it
 * computed, and could hold the places of event streams. A user who follows a link to a route that ends is answered.
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
