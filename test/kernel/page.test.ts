import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { axeFindings } from "../report/axe.ts";
import { CHROMIUM_MISSING, Chromium } from "../report/chromium.ts";
import { CollectRun, USUAL, until } from "./support/collect-run.ts";
import { programPath, reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { inMounts } from "./support/places.ts";

const TOKEN = "a-token-of-the-test-0123";
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** A comm of full length with a direction override, an escape sequence and an element. */
const HOSTILE = "\u202eevil\x1b[31m<b>";
const HOSTILE_SHOWN = "\\u202eevil\\e[31m<b>";
const ARGUMENTS = ["<img src=x onerror=alert(1)>", "\u2067\u05d0\u05d1\u05d2", "\x1b]0;title\x07", "A".repeat(4096)];
const ARGUMENTS_SHOWN = [
  "<img src=x onerror=alert(1)>",
  "\\u2067\u05d0\u05d1\u05d2",
  "\\e]0;title\\x07",
  "A".repeat(1024),
];
const TIMEOUT_MS = 120_000;

const LOOKS = [320, 768, 1440].flatMap((width) => [
  { width, scheme: "light" as const },
  { width, scheme: "dark" as const },
]);

/** Whether the page has control characters or direction overrides as text. */
const UNSAFE_TEXT =
  "/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)";

/** Cells that are cut on a phone without an ellipsis. */
const CUT_FIGURES = `[...document.querySelectorAll("td.number, th")].filter((cell) =>
  cell.getClientRects().length > 0 && cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)`;

const why = reasonOf(whyNoBtf(), CHROMIUM_MISSING);

/** Runs commands that end at once, one after the other, until it is disposed of. */
class ShortCommands implements AsyncDisposable {
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(...commands: readonly string[][]) {
    this.#done = this.#run(commands);
  }

  async #run(commands: readonly string[][]): Promise<void> {
    while (!this.#isOver) {
      for (const command of commands) await Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] }).exited;
      await Bun.sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }
}

async function addressOf(run: CollectRun): Promise<string> {
  return until("the address", () => /answering at (http:\S+)/.exec(run.stderr)?.[1]);
}

const collect = (...args: string[]) => [...USUAL, "--listen", "127.0.0.1:0", "--api-cpu-budget", "0", ...args];

describe.skipIf(why !== null)(`the live page${why ? ` (skipped: ${why})` : ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "linnix-page-"));
  const hostile = join(folder, HOSTILE);
  let chromium: Chromium;
  beforeAll(async () => {
    copyFileSync("/bin/true", hostile);
    chromium = await Chromium.start();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const textOf = (id: string) => chromium.evaluate<string>(`document.getElementById("${id}").textContent`);
  const shows = (what: string, id: string, text: string) => until(what, async () => (await textOf(id)).includes(text));
  const stateIs = (state: string) =>
    until(
      `the state ${state}`,
      async () => (await chromium.evaluate("document.documentElement.dataset.state")) === state,
    );
  /** The number in the column "Failed" of a command. */
  const failedOf = (comm: string) =>
    chromium.evaluate<number>(`Number([...document.querySelectorAll("#commands tbody tr")].find((row) =>
      row.cells[0].textContent === "${comm}")?.cells[2].textContent)`);
  /** The focused element: its id, its value if it is a radio button, or its text. */
  const focus = () =>
    chromium.evaluate<string>(`(() => { const { id, type, value, textContent } = document.activeElement;
      return id || (type === "radio" ? value : textContent); })()`);

  test(
    "asks for the token, shows short-lived commands and hostile names, at three widths, light and dark",
    async () => {
      await using run = await CollectRun.start(collect(), { env: { PATH, LINNIX_API_TOKEN: TOKEN } });
      const url = await addressOf(run);
      await using _commands = new ShortCommands(["/bin/true"], ["/bin/sh", "-c", "exit 3"], [hostile]);
      // The shell itself waits: a child would outlive the shell.
      const waiting = Bun.spawn(["/bin/sh", "-c", "read _", "sh", ...ARGUMENTS], { stdin: "pipe" });
      try {
        await chromium.open(url, { width: 1440, scheme: "light" });
        await stateIs("token");
        expect(await axeFindings(chromium)).toEqual([]);
        expect(await focus()).toBe("token");
        await chromium.type("not-the-token-at-all");
        await chromium.press("Enter");
        await shows("the refusal", "token-error", "refuses");
        // The wrong token is not stored.
        expect(await chromium.evaluate("sessionStorage.length")).toBe(0);
        await chromium.type(TOKEN);
        await chromium.press("Enter");
        await stateIs("live");
        expect(await chromium.evaluate("sessionStorage.length + localStorage.length + document.cookie.length")).toBe(1);
        // The browser reports each 401.
        expect(chromium.complaints.filter((text) => !text.includes("401"))).toEqual([]);
        chromium.complaints.length = 0;

        await shows("the short-lived command", "commands", "true");
        await shows("the hostile name", "commands", HOSTILE_SHOWN);
        await until("the command that fails", async () => (await failedOf("sh")) > 0);
        await shows("the unit, or that there is none", "groups", "unit");
        await until("a rate", async () => Number.parseFloat(await textOf("rate")) > 0);
        expect(await textOf("cost")).toMatch(/^\d+\.\d\d %$/);
        expect(await textOf("cost-unit")).toMatch(/budget 1\s%/);
        expect(await textOf("where")).toContain("btf backend");

        // Filters by pid, and shows the process with its long arguments.
        await chromium.evaluate(`document.getElementById("filter").focus()`);
        await chromium.type(String(waiting.pid));
        await shows("the process", "processes", "read _");
        await chromium.evaluate(`document.querySelector("#processes tbody button").focus()`);
        await chromium.press("Enter");
        expect(await textOf("details-heading")).toContain(`Process ${waiting.pid}`);
        const facts = await textOf("details-facts");
        for (const text of ARGUMENTS_SHOWN) expect(facts).toContain(text);
        await shows("the ancestors", "details-ancestors", String(process.pid));
        expect(await axeFindings(chromium)).toEqual([]);
        await chromium.press("Escape");
        expect(await focus()).toBe(String(waiting.pid));
        await chromium.evaluate(`document.getElementById("filter").value = ""`);

        for (const look of LOOKS) {
          await chromium.look(look);
          const figures = await chromium.evaluate<object>(`({
            width: document.documentElement.scrollWidth, unsafe: ${UNSAFE_TEXT}, cut: ${CUT_FIGURES},
            injected: document.querySelectorAll("img, #figures tbody b").length })`);
          expect({ look, figures }).toEqual({
            look,
            figures: { width: look.width, unsafe: false, cut: [], injected: 0 },
          });
          expect({ look, findings: await axeFindings(chromium) }).toEqual({ look, findings: [] });
        }
        expect(chromium.complaints).toEqual([]);
      } finally {
        waiting.kill("SIGKILL");
      }
      await run.stop();
    },
    TIMEOUT_MS,
  );

  test(
    "every control is reached by the keyboard in order; a hidden page sends no requests",
    async () => {
      await using run = await CollectRun.start(collect());
      const url = await addressOf(run);
      await chromium.open(url, { width: 1440, scheme: "light" });
      await stateIs("live");
      // Earlier complaints come from the previous page, whose daemon has ended.
      chromium.complaints.length = 0;
      const order: string[] = [];
      for (let presses = 0; presses < 5; presses++) {
        await chromium.press("Tab");
        order.push(await focus());
      }
      expect(order.slice(0, 3)).toEqual(["filter", "pause", "cpu"]);
      expect(order[3]).toMatch(/^\d+$/);
      await chromium.evaluate(`document.querySelector("#orders input:checked").focus()`);
      for (const choice of ["rss", "start", "tree"]) {
        await chromium.press("ArrowRight");
        expect(await chromium.evaluate(`document.querySelector("#orders input:checked").value`)).toBe(choice);
      }
      await shows("the branches of the tree", "processes", "└─ ");

      const clients = async () => ((await (await fetch(`${url}status`)).json()) as { api: { clients: number } }).api;
      await until("one stream", async () => (await clients()).clients === 1);
      const seen = (isHidden: boolean) =>
        chromium.evaluate(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"))`);
      await seen(true);
      await stateIs("stopped");
      await until("no stream", async () => (await clients()).clients === 0);
      await seen(false);
      await stateIs("live");
      await until("one stream again", async () => (await clients()).clients === 1);
      await chromium.evaluate(`document.getElementById("pause").click()`);
      await stateIs("stopped");
      expect(chromium.complaints).toEqual([]);
      await run.stop();
    },
    TIMEOUT_MS,
  );

  test(
    "follows a daemon that stops and starts again at another level of detail",
    async () => {
      const port = await freePort();
      const listen = ["--listen", `127.0.0.1:${port}`, "--api-cpu-budget", "0"];
      await using first = await CollectRun.start([...USUAL, ...listen, "--detail", "processes"]);
      await using _commands = new ShortCommands(["/bin/true"]);
      await chromium.open(`http://127.0.0.1:${port}/`, { width: 768, scheme: "light" });
      await stateIs("live");
      await shows("the short-lived command", "commands", "true");
      expect(await textOf("process-notes")).toContain("processes");
      first.child.kill("SIGTERM");
      await stateIs("trouble");
      await first.child.exited;
      const summary = ["--detail", "summary", "--summary-interval", "1s"];
      await using second = await CollectRun.start([...USUAL, ...listen, ...summary]);
      await stateIs("live");
      await shows("the restart", "log", "restarted");
      await shows("the totals", "commands", "true");
      expect(await textOf("commands-heading")).toBe("Commands that ended");
      expect(await textOf("commands-notes")).toContain("summary");
      expect(await textOf("short-parts")).toContain("summary");
      expect(await axeFindings(chromium)).toEqual([]);
      second.child.kill("SIGTERM");
      await second.child.exited;
    },
    TIMEOUT_MS,
  );

  const noMounts = programPath("unshare") === null ? "needs unshare" : null;
  test.skipIf(noMounts !== null)(
    titled("shows the figures of the tracepoint backend, and marks missing figures", noMounts),
    async () => {
      const before = inMounts("mount -t tmpfs tmpfs /sys/kernel/btf");
      await using run = await CollectRun.start(collect("--backend", "tracepoint"), { before });
      await using _commands = new ShortCommands(["/bin/true"]);
      await chromium.open(await addressOf(run), { width: 320, scheme: "dark" });
      await stateIs("live");
      await shows("the short-lived command", "commands", "true");
      expect(await textOf("reasons")).toContain("tracepoint");
      expect(await textOf("commands-notes")).toContain("The tracepoint backend gives no values for results, CPU time");
      expect(await textOf("process-notes")).toContain("arguments");
      expect(await textOf("groups-notes")).toContain("CPU time of processes that ended");
      expect(await textOf("short-parts")).toContain("CPU time unknown");
      expect(await axeFindings(chromium)).toEqual([]);
      run.child.kill("SIGTERM");
      await run.child.exited;
    },
    TIMEOUT_MS,
  );
});

async function freePort(): Promise<number> {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
