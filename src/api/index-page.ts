import { html } from "../report/html/escape.ts";
import type { Route } from "./routes.ts";

/** Nothing may be loaded, run, framed or sent from the page. */
export const HTML_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
};

/** Whether `Accept` wants a page rather than JSON (RFC 9110, section 12.5.1); where it does not care: JSON. */
export function prefersHtml(accept: string | null): boolean {
  const quality = (type: string) => {
    let best = { specificity: -1, q: 0 };
    for (const part of (accept ?? "*/*").split(",")) {
      const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
      const specificity = [`*/*`, `${type.split("/")[0]}/*`, type].indexOf(range);
      const q = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
      if (specificity > best.specificity) best = { specificity, q: Number.isFinite(q) ? q : 0 };
    }
    return best.q;
  };
  return quality("text/html") > quality("application/json");
}

/** A plain page: the routes, those that take nothing as links. */
export function indexHtml(version: string, routes: readonly Route[]): string {
  const rows = routes.map(
    ({ path, summary }) =>
      html`<dt>${path.includes("{") ? path : html`<a href="${path}">${path}</a>`}</dt><dd>${summary}</dd>\n`,
  );
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>linnix ${version}</title></head>
<body>
<h1>linnix ${version}</h1>
<dl>
${rows}</dl>
</body>
</html>
`.text;
}
