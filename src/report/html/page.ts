import { html, Markup } from "./escape.ts";
import { PALETTE } from "./palette.ts";

export interface Page {
  title: string;
  /** Below the title, in smaller letters. */
  subtitle: string;
  /** The result in one line, with its colour; null if there is none. */
  verdict: { tone: "good" | "bad" | "doubtful"; mark: string; name: string; text: string } | null;
  body: readonly Markup[];
}

/** A complete HTML page in one file. It loads no other files and runs no scripts. */
export function page({ title, subtitle, verdict, body }: Page): string {
  return `${
    html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header><h1>${title}</h1><p class="faint">${subtitle}</p></header>
${verdict && html`<p class="verdict ${verdict.tone}">${verdict.name !== "" && html`<strong>${verdict.mark} ${verdict.name}</strong> `}${verdict.text}</p>`}
${body}
</main>
</body>
</html>
`.text
  }`;
}

/** A part of a page under a heading. */
export function section(title: string, ...content: readonly Markup[]): Markup {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

const STYLE = `
${PALETTE}*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);overflow-wrap:break-word;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;margin:0}
h2{font-size:1.1rem;margin:2.25rem 0 .6rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
p{margin:.4rem 0}
.faint,figcaption,th{color:var(--faint)}
.verdict{margin:1.25rem 0;padding:.8rem 1rem;background:var(--panel);border-left:.35rem solid;border-radius:.25rem}
.verdict strong{margin-right:.4rem}
.good{color:var(--good)}.bad{color:var(--bad)}.doubtful{color:var(--doubtful)}
.verdict{color:var(--text)}.verdict.good{border-color:var(--good)}.verdict.bad{border-color:var(--bad)}.verdict.doubtful{border-color:var(--doubtful)}
.verdict.good strong{color:var(--good)}.verdict.bad strong{color:var(--bad)}.verdict.doubtful strong{color:var(--doubtful)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:.75rem;margin:1.25rem 0}
.card{background:var(--panel);border-radius:.35rem;padding:.7rem .9rem}
.card b{display:block;font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}
.card span{color:var(--faint);font-size:.85rem;display:block}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:500}
td,thead th{white-space:nowrap}
.first{text-align:left;position:sticky;left:0;background:var(--back)}
tbody .first{max-width:11rem;overflow-wrap:break-word}
tbody .first{color:var(--text);font-weight:400}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:.5rem 0;font-size:.95rem}
dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:36rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}}
figure{margin:1rem 0}
figcaption{font-size:.85rem}
svg{width:100%;height:auto;display:block;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
svg text{fill:var(--faint)}
.narrow{display:none;max-width:25rem}
@media(max-width:40rem){.wide{display:none}.narrow{display:block}main{padding:1.25rem 1rem 3rem}}
.grid{stroke:var(--line);stroke-width:1}
.axis{stroke:var(--faint);stroke-width:1}
.a{fill:var(--a)}.b{fill:var(--b)}.c{fill:var(--c)}
.line-a{stroke:var(--a);fill:none;stroke-width:2}.line-b{stroke:var(--b);fill:none;stroke-width:2}
.band{fill:var(--a);opacity:.15}
.limit{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:6 4}
svg .limit-text{fill:var(--bad)}
svg .label{fill:var(--text)}
svg .strong{font-weight:600}
.halo{paint-order:stroke;stroke:var(--back);stroke-width:3px;stroke-linejoin:round}
.joined{stroke-width:1.5;stroke-dasharray:3 4;opacity:.7}
.leader{stroke:var(--faint);stroke-width:.75}
.open{fill:var(--back)}
details summary{cursor:pointer;color:var(--faint);margin:.4rem 0}
@media print{main{max-width:none;padding:0}}
`;
