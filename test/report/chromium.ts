import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = "/usr/bin/chromium";

/** Why no page can be opened on this machine; null if it can. */
export const CHROMIUM_MISSING = existsSync(PROGRAM) ? null : `no ${PROGRAM}`;

const ARGUMENTS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
  ...["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--disable-quic", "--remote-debugging-port=0"],
];

interface Answer {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: { message?: string; entry?: { text: string }; exceptionDetails?: { text: string } };
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** The size of a window, and the preferences of its user. */
export interface Look {
  width: number;
  scheme: "light" | "dark";
  height?: number;
  /** Pixels of a screenshot per pixel of the page. */
  scale?: number;
}

const KEY_CODES: { readonly [key: string]: object } = {
  Tab: { windowsVirtualKeyCode: 9 },
  Enter: { windowsVirtualKeyCode: 13 },
  Escape: { windowsVirtualKeyCode: 27 },
  ArrowRight: { windowsVirtualKeyCode: 39 },
};

/** A headless Chromium, controlled by the DevTools protocol. */
export class Chromium implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #sessionId: string | undefined;
  /** Errors of scripts in the page, and requests that its policy refused. */
  readonly complaints: string[] = [];

  private constructor(child: Bun.Subprocess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(String(data)) as Answer));
  }

  static async start(): Promise<Chromium> {
    const folder = mkdtempSync(join(tmpdir(), "linnix-test-chromium-"));
    const child = Bun.spawn([PROGRAM, ...ARGUMENTS, `--user-data-dir=${folder}`, "about:blank"], {
      stdout: "ignore",
      stderr: "ignore",
    });
    const portFile = join(folder, "DevToolsActivePort");
    while (!existsSync(portFile) || readFileSync(portFile, "utf8").split("\n").length < 2) {
      if (child.exitCode !== null) throw new Error(`chromium ended with ${child.exitCode}`);
      await Bun.sleep(50);
    }
    const [port, path] = readFileSync(portFile, "utf8").split("\n");
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("no connection to chromium")));
    });
    const chromium = new Chromium(child, folder, socket);
    const { targetId } = await chromium.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await chromium.send("Target.attachToTarget", { targetId, flatten: true });
    chromium.#sessionId = String(sessionId);
    for (const domain of ["Page", "Runtime", "Log"]) await chromium.send(`${domain}.enable`);
    return chromium;
  }

  /** Opens a file or an address in such a window, and waits until it is loaded. */
  async open(path: string, look: Look): Promise<void> {
    const url = path.startsWith("/") ? `file://${path}` : path;
    await this.look(look);
    await this.send("Page.navigate", { url });
    while ((await this.evaluate<string>("location.href + document.readyState")) !== `${url}complete`) {
      await Bun.sleep(20);
    }
  }

  /** Changes the window of the open page. */
  async look({ width, scheme, height = 900, scale = 1 }: Look): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: scale, mobile: width < 600 };
    await this.send("Emulation.setDeviceMetricsOverride", metrics);
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  /** Presses a key, such as `Tab` or `Enter`. */
  async press(key: string): Promise<void> {
    const text = key === "Enter" ? { text: "\r" } : {};
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, ...KEY_CODES[key], ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code: key, ...KEY_CODES[key] });
  }

  /** Types a text into the focused element. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** Evaluates an expression in the page and returns its value; promises are awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = answer as { result: { value: T }; exceptionDetails?: object };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** A screenshot of the whole page, or of the window, as PNG. */
  async screenshot(what: "page" | "window" = "page"): Promise<Buffer> {
    const options = { format: "png", captureBeyondViewport: what === "page" };
    const { data } = await this.send("Page.captureScreenshot", options);
    return Buffer.from(String(data), "base64");
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params, ...(this.#sessionId && { sessionId: this.#sessionId }) }));
    return answered.then(({ result, error }) => {
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result ?? {};
    });
  }

  #receive(answer: Answer): void {
    const { id, method, params } = answer;
    if (method === "Log.entryAdded") this.complaints.push(params?.entry?.text ?? "");
    if (method === "Runtime.exceptionThrown") this.complaints.push(params?.exceptionDetails?.text ?? "");
    if (id === undefined) return;
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
