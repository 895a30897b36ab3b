import { describe, expect, test } from "bun:test";
import { ConnectionLimit } from "../../src/api/connection-limit.ts";
import { countOpenFds } from "../../src/api/own-memory.ts";
import { Warnings } from "../config/warnings.ts";

const MAX = 40;

/** Looks until it counts: at the latest, where nothing shows that there may be many. */
function look(limit: ConnectionLimit): void {
  for (let i = 0; i < 16; i++) limit.check();
}

/** Connections of another process: `open` makes as many, `close` ends as many. */
class Clients implements AsyncDisposable {
  static readonly #script = `
    const sockets = [];
    for await (const line of console) {
      const [what, count] = line.split(" ");
      for (let i = 0; i < Number(count); i++) {
        if (what === "close") sockets.pop().terminate();
        else {
          const to = { hostname: "127.0.0.1", port: Number(process.argv[1]), socket: { data() {} } };
          const socket = await Bun.connect(to);
          // The kernel hands over no connection that says nothing (TCP_DEFER_ACCEPT).
          socket.write("G");
          sockets.push(socket);
        }
      }
      console.log("done");
    }`;
  readonly #child;
  readonly #reader;

  constructor(port: number) {
    this.#child = Bun.spawn([process.execPath, "-e", Clients.#script, String(port)], { stdin: "pipe", stdout: "pipe" });
    this.#reader = this.#child.stdout.getReader();
  }

  async do(what: "open" | "close", count: number): Promise<void> {
    this.#child.stdin.write(`${what} ${count}\n`);
    await this.#child.stdin.flush();
    await this.#reader.read();
    // The server's side of them comes and goes when its loop does.
    await Bun.sleep(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
  }
}

/** Whether a request on a connection of its own is answered within a while. */
async function isAnswered(url: URL): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(500), keepalive: false })).ok;
  } catch {
    return false;
  }
}

describe("connections", () => {
  test("beyond the limit wait until half of them have ended, and cost nothing meanwhile", async () => {
    let server: Bun.Server<undefined> | undefined;
    const limit = new ConnectionLimit(MAX, () => {
      server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
    });
    if (!server) throw new Error("nothing listens");
    try {
      await using clients = new Clients(server.port ?? 0);
      await clients.do("open", MAX - 5);
      limit.check();
      look(limit);
      expect([limit.isPaused, await isAnswered(server.url)]).toEqual([false, true]);
      await clients.do("open", 10);
      limit.check();
      look(limit);
      expect([limit.isPaused, await isAnswered(server.url)]).toEqual([true, false]);
      await clients.do("close", 10);
      limit.check();
      look(limit);
      expect(limit.isPaused).toBe(true);
      await clients.do("close", 20);
      limit.check();
      look(limit);
      expect([limit.isPaused, await isAnswered(server.url)]).toEqual([false, true]);
    } finally {
      await server.stop(true);
    }
  });

  test("have half of the descriptors where these are few, and the warning says how many", async () => {
    let server: Bun.Server<undefined> | undefined;
    let others = 0;
    const before = countOpenFds();
    const listen = () => {
      server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
      others = countOpenFds();
    };
    const limit = new ConnectionLimit(MAX, listen, before + MAX);
    if (!server) throw new Error("nothing listens");
    const most = Math.floor((before + MAX - others) / 2);
    using warnings = new Warnings();
    try {
      await using clients = new Clients(server.port ?? 0);
      await clients.do("open", most - 5);
      look(limit);
      expect([limit.isPaused, warnings.take()]).toEqual([false, []]);
      await clients.do("open", 10);
      look(limit);
      expect(limit.isPaused).toBe(true);
      const said = warnings.take().map((text) => Number(/more than (\d+) connections/.exec(text)?.[1]));
      expect(said).toHaveLength(1);
      // Others of this process come and go meanwhile.
      expect(Math.abs((said[0] as number) - most)).toBeLessThan(5);
    } finally {
      await server.stop(true);
    }
  });
});
