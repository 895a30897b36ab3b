/**
 * bun scripts/pictures.ts            writes all pictures of docs/pictures/; as root, with dist/linnix, Chromium and tmux
 * bun scripts/pictures.ts page top   writes only these
 *
 * Nothing in them is made up: they show this machine, with its processes and paths, under the default workload. Take them
 * on a machine with nothing else on it, and look at them before they are published.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { html, Markup } from "../src/report/html/escape.ts";
import { PALETTE } from "../src/report/html/palette.ts";
import { PROFILES } from "../src/workload/profiles.ts";
import { runWorkload } from "../src/workload/run-workload.ts";
import { Chromium } from "../test/report/chromium.ts";
import { output } from "./command.ts";

const ROOT = join(import.meta.dir, "..");
const LINNIX = join(ROOT, "dist/linnix");
const FOLDER = join(ROOT, "docs/pictures");
const MOST_BYTES = 200 * 1000;
/** Until the charts of the page have something to show, and `top` has its rates. */
const PAGE_MS = 70_000;
const TOP_MS = 20_000;
/** Of the terminal that `top` is drawn on. */
const SIZE = { columns: 118, rows: 34 };

const PICTURES: Record<string, (chromium: Chromium, folder: string) => Promise<Buffer>> = {
  page: pageOf,
  chart: chartOf,
  top: topOf,
};

/** The live page of a daemon. */
async function pageOf(chromium: Chromium): Promise<Buffer> {
  const child = Bun.spawn([LINNIX, "collect", "--format", "none", "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    const url = await addressOf(child.stderr);
    return await underLoad(PAGE_MS, async (passed) => {
      await chromium.open(url, { width: 1240, height: 800, scheme: "light" });
      await passed;
      return chromium.screenshot("window");
    });
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}

/** The chart of a comparison: what each method costs, and what it misses. */
async function chartOf(chromium: Chromium, folder: string): Promise<Buffer> {
  const report = join(folder, "compare.html");
  const child = Bun.spawn([LINNIX, "compare", "--quick", "--html", report], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await child.exited;
  await chromium.open(report, { width: 840, scheme: "light" });
  return clip(chromium, "figure");
}

/** `linnix top` on a terminal. */
async function topOf(chromium: Chromium, folder: string): Promise<Buffer> {
  const tmux = (...args: string[]) => output("tmux", ["-S", join(folder, "tmux"), "-f", "/dev/null", ...args]);
  const { columns, rows } = SIZE;
  tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, `env LANG=C.UTF-8 ${LINNIX} top`);
  try {
    return await underLoad(TOP_MS, async (passed) => {
      await passed;
      const path = join(folder, "top.html");
      writeFileSync(path, terminalHtml(tmux("capture-pane", "-p", "-e")));
      await chromium.open(path, { width: 1000, scheme: "dark" });
      return clip(chromium, "pre");
    });
  } finally {
    tmux("kill-server");
  }
}

/** Runs while processes are started as in the default workload. @param use gets when that time has passed */
async function underLoad<T>(durationMs: number, use: (passed: Promise<void>) => Promise<T>): Promise<T> {
  const { mix, rate } = PROFILES.seed;
  await using workload = runWorkload(
    { mix, rate, durationMs: durationMs + 30_000 },
    { command: [LINNIX, "__workload"] },
  );
  await workload.start();
  return use(Bun.sleep(durationMs));
}

async function addressOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const bytes of stderr) {
    said += new TextDecoder().decode(bytes);
    const [, url] = /answering at (http:\S+)/.exec(said) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`linnix ended: ${said}`);
}

/** A picture of the first element of that selector. */
async function clip(chromium: Chromium, selector: string): Promise<Buffer> {
  const box = await chromium.evaluate<object>(`(() => {
    const { x, y, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
    return { x: x + scrollX, y: y + scrollY, width, height, scale: 1 }; })()`);
  const options = { format: "png", captureBeyondViewport: true, clip: box };
  const { data } = await chromium.send("Page.captureScreenshot", options);
  return Buffer.from(String(data), "base64");
}

const CLASSES: { readonly [sgr: string]: string } = { 1: "bold", 2: "dim", 7: "reverse", 31: "red" };

/** The screen of a terminal as a page; of the escapes only those that `top` uses are known. */
function terminalHtml(screen: string): string {
  const on = new Set<string>();
  const [first = "", ...painted] = screen.trimEnd().split("\x1b[");
  const spans = painted.map((part) => {
    const [codes = ""] = part.split("m", 1);
    for (const code of codes.split(";")) {
      const name = CLASSES[code];
      if (name !== undefined) on.add(name);
      else on.clear();
    }
    return html`<span class="${[...on].join(" ")}">${linesOf(part.slice(codes.length + 1))}</span>`;
  });
  return html`<!doctype html><meta charset="utf-8"><style>${new Markup(PALETTE)}
body{margin:0}
pre{display:inline-block;margin:0;padding:14px 16px;background:var(--back);color:var(--text);font:13px/1.35 "DejaVu Sans Mono",monospace}
.bold{font-weight:bold}.dim{color:var(--faint)}.red{color:var(--bad)}.reverse{background:var(--text);color:var(--back)}
</style><pre>${linesOf(first)}${spans}</pre>`.text;
}

/** A line end of markup stays one; in text it would become an escape. */
function linesOf(text: string): Markup[] {
  return text.split("\n").map((line, at) => html`${at > 0 && new Markup("\n")}${line}`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(PICTURES, name));
if (unknown.length > 0)
  throw new Error(`no picture ${unknown.join(", ")}; there are ${Object.keys(PICTURES).join(", ")}`);
mkdirSync(FOLDER, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "linnix-pictures-"));
try {
  for (const name of wanted.length > 0 ? wanted : Object.keys(PICTURES)) {
    await using chromium = await Chromium.start();
    const picture = await (PICTURES[name] as (typeof PICTURES)[string])(chromium, folder);
    const path = join(FOLDER, `${name}.png`);
    writeFileSync(path, picture);
    console.log(`${path} ${readFileSync(path).length} bytes`);
    if (picture.length > MOST_BYTES) throw new Error(`${path} has more than ${MOST_BYTES} bytes`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
