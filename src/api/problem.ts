import { jsonText } from "../json/byte-writer.ts";

/** Status codes that are answered as a problem, with their names (RFC 9110, section 15). */
export const PROBLEM_TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  414: "URI Too Long",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

export type ProblemStatus = keyof typeof PROBLEM_TITLES;

/** Why a request fails. A handler throws it, and the client receives it as problem details (RFC 9457). */
export class Problem extends Error {
  /**
   * @param detail one sentence for the person who sent the request
   * @param headers additional headers of the answer, such as `Allow`
   * @param members additional members of the JSON object
   */
  constructor(
    readonly status: ProblemStatus,
    readonly detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
    readonly members: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
  }

  response(): Response {
    const { status, detail, headers, members } = this;
    const body = jsonText({ type: "about:blank", title: PROBLEM_TITLES[status], status, detail, ...members });
    return new Response(body, { status, headers: { ...headers, "Content-Type": "application/problem+json" } });
  }
}
