import page from "../../.build/page.json";
import { qualityOf } from "./accept.ts";

/** The live page. It contains no data: its script requests all data from this API. */
export const PAGE = page.html;

/**
 * The page may run its own script and send requests to its own origin, and nothing else. No other page may frame it.
 */
export const PAGE_HEADERS = {
  "Content-Security-Policy": page.policy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
};

/** Whether `Accept` prefers a page to JSON. If it prefers neither, the answer is JSON. */
export function prefersHtml(accept: string | null): boolean {
  return qualityOf("text/html", accept) > qualityOf("application/json", accept);
}
