import { html } from "../report/html/escape.ts";
import { qualityOf } from "./accept.ts";
import type { Route } from "./route.ts";

/** Nothing may be loaded, run, framed or sent from the page. */
export const HTML_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
};

/** Whether `Accept` wants a page rather than JSON; JSON if it does not care. */
export function prefersHtml(accept: string | null): boolean {
  return qualityOf("text/html", accept) > qualityOf("application/json", accept);
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
