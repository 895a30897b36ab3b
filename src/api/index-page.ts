import page from "../../.build/page.json";
import { qualityOf } from "./accept.ts";

/** The live page: it holds no data, and asks this API for what it shows. */
export const PAGE = page.html;

/** The page may run its own script, ask its own origin, and nothing else; no other page may have it in a frame. */
export const PAGE_HEADERS = {
  "Content-Security-Policy": page.policy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
};

/** Whether `Accept` wants a page rather than JSON; JSON if it does not care. */
export function prefersHtml(accept: string | null): boolean {
  return qualityOf("text/html", accept) > qualityOf("application/json", accept);
}
