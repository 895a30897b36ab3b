/**
 * bun scripts/pictures.ts            writes all pictures of docs/pictures/; needs root, dist/linnix, Chromium and tmux
 * bun scripts/pictures.ts page top   writes only these
 *
 * The pictures show real data. The page and `top` show a daemon that watches one cgroup with three busy units, so that
 * no path of this machine is in the pictures. Take the pictures on an idle machine, and check each one.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { METHOD_NAMES } from "../src/compare/arms.ts";
import { html, Markup } from "../src/report/html/escape.ts";
import { PALETTE } from "../src/report/html/palette.ts";
import { PROFILES, type ProfileName } from "../src/workload/profiles.ts";
import { runWorkload } from "../src/workload/run-workload.ts";
import { Chromium } from "../test/report/chromium.ts";
import { output } from "./command.ts";

const ROOT = join(import.meta.dir, "..");
/** The path of the binary for users, because the pictures show its command line. */
const LINNIX = "/usr/local/bin/linnix";
const FOLDER = join(ROOT, "docs/pictures");
const MOST_BYTES = 200 * 1000;
/** Waits until the collector's code is compiled, so that its cost is that of a long-running daemon. */
const LOAD_MS = 200_000;
/** Waits until `top` has drawn the view that a key selected, and refreshed it. */
const SHOWN_MS = 5_000;
/** Size of the terminal of `top`. */
const SIZE = { columns: 118, rows: 22 };

/** One directory for each mounted cgroup hierarchy that names units or that the BPF programs see. */
const HIERARCHIES = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];
const SLICE = "demo.slice";
/** The program in each unit, and its processes per second. */
const UNITS: readonly { unit: string; profile: ProfileName; rate: number }[] = [
  { unit: "web.service", profile: "busy-api", rate: 25 },
  { unit: "ci-runner.service", profile: "ci-runner", rate: 10 },
  { unit: "backup.service", profile: "small-server", rate: 5 },
];

/**
 * All methods except the other levels of detail of linnix. Their code runs once a second, so it is not yet compiled
 * when the comparison measures them.
 */
const CHART_METHODS = METHOD_NAMES.filter((name) => !name.startsWith("linnix --detail"));

const PICTURES: Record<string, (chromium: Chromium, folder: string) => Promise<Buffer>> = {
  page: pageOf,
  chart: chartOf,
  top: topOf,
};

/** The live page of a daemon. */
function pageOf(chromium: Chromium): Promise<Buffer> {
  return underLoad(async (url, passed) => {
    await chromium.open(url, { width: 1240, height: 740, scheme: "light" });
    await passed;
    return chromium.screenshot("window");
  });
}

/** The chart of a comparison: what each method costs, and what it misses. */
async function chartOf(chromium: Chromium, folder: string): Promise<Buffer> {
  const report = join(folder, "compare.html");
  const child = Bun.spawn([LINNIX, "compare", "--methods", CHART_METHODS.join(","), "--html", report], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await child.exited;
  await chromium.open(report, { width: 840, scheme: "light" });
  return clip(chromium, "figure");
}

/** `linnix top` on a terminal: what started and ended between two refreshes. */
async function topOf(chromium: Chromium, folder: string): Promise<Buffer> {
  const tmux = (...args: string[]) => output("tmux", ["-S", join(folder, "tmux"), "-f", "/dev/null", ...args]);
  const { columns, rows } = SIZE;
  return underLoad(async (url, passed) => {
    const command = `env LANG=C.UTF-8 ${LINNIX} top --interval 2s --connect ${new URL(url).host}`;
    tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, command);
    try {
      await passed;
      tmux("send-keys", "4");
      await Bun.sleep(SHOWN_MS);
      const path = join(folder, "top.html");
      writeFileSync(path, terminalHtml(tmux("capture-pane", "-p", "-e")));
      await chromium.open(path, { width: 1000, scheme: "dark" });
      return await clip(chromium, "pre");
    } finally {
      tmux("kill-server");
    }
  });
}

/**
 * Calls `use` with a daemon that watches three busy units. @param use receives its address, and a promise that resolves
 * when the load has run long enough
 */
async function underLoad<T>(use: (url: string, passed: Promise<void>) => Promise<T>): Promise<T> {
  const roots = HIERARCHIES.filter((root) => existsSync(join(root, "cgroup.procs"))).map((root) => join(root, SLICE));
  await using cleanup = new AsyncDisposableStack();
  for (const directory of roots.flatMap((root) => [root, ...UNITS.map(({ unit }) => join(root, unit))])) {
    mkdirSync(directory);
    cleanup.defer(() => rmdirSync(directory));
  }
  const command = [LINNIX, "collect", "--format", "none", "--listen", "127.0.0.1:0", "--cgroup", `/${SLICE}`];
  const child = Bun.spawn(["taskset", "--cpu-list", "0", ...command], { stdio: ["ignore", "ignore", "pipe"] });
  cleanup.defer(async () => {
    child.kill("SIGTERM");
    await child.exited;
  });
  const url = await addressOf(child.stderr);
  for (const { unit, profile, rate } of UNITS) {
    const { mix } = PROFILES[profile];
    const workload = runWorkload({ mix, rate, durationMs: LOAD_MS + 60_000 }, { command: [LINNIX, "__workload"] });
    cleanup.use(workload);
    const { spawnerPid } = await workload.ready;
    for (const root of roots) writeFileSync(join(root, unit, "cgroup.procs"), `${spawnerPid}`);
    await workload.start();
  }
  return await use(url, Bun.sleep(LOAD_MS));
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

/** A picture of the first element that matches the selector. */
async function clip(chromium: Chromium, selector: string): Promise<Buffer> {
  const box = await chromium.evaluate<object>(`(() => {
    const { x, y, width, height } = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
    return { x: x + scrollX, y: y + scrollY, width, height, scale: 1 }; })()`);
  const options = { format: "png", captureBeyondViewport: true, clip: box };
  const { data } = await chromium.send("Page.captureScreenshot", options);
  return Buffer.from(String(data), "base64");
}

const CLASSES: { readonly [sgr: string]: string } = { 1: "bold", 2: "dim", 7: "reverse", 31: "red" };

/** The screen of a terminal as a page. It supports only the escape sequences that `top` uses. */
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

/** Newlines of the markup are kept; in text they would become an escape. */
function linesOf(text: string): Markup[] {
  return text.split("\n").map((line, at) => html`${at > 0 && new Markup("\n")}${line}`);
}

// A user's browser runs on another machine. Here the browser and the load run on other CPUs than the daemon.
if (availableParallelism() > 1) {
  const others = `1-${availableParallelism() - 1}`;
  output("taskset", ["--all-tasks", "--pid", "--cpu-list", others, `${process.pid}`]);
}
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(PICTURES, name));
if (unknown.length > 0)
  throw new Error(`no picture ${unknown.join(", ")}; there are ${Object.keys(PICTURES).join(", ")}`);
mkdirSync(FOLDER, { recursive: true });
copyFileSync(join(ROOT, "dist/linnix"), LINNIX);
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
  rmSync(LINNIX, { force: true });
}
