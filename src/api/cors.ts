/** Cross-origin requests of web pages (https://fetch.spec.whatwg.org/#http-cors-protocol). */

/** Whether a browser asks beforehand, without credentials, what a page of another origin may do. */
export function isPreflight(request: Request): boolean {
  const { headers, method } = request;
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** The answer to that; who may is told by `corsHeaders`, as with every other answer. */
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

/** Headers of any answer: none where no origin is allowed. */
export function corsHeaders(request: Request, allowOrigins: readonly string[]): [name: string, value: string][] {
  if (allowOrigins.length === 0) return [];
  const vary: [string, string] = ["Vary", "Origin"];
  const origin = request.headers.get("origin");
  // Never *: what is told is for these pages only.
  return origin !== null && allowOrigins.includes(origin) ? [vary, ["Access-Control-Allow-Origin", origin]] : [vary];
}
