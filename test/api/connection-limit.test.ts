import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConnectionLimit, MAX_PER_PEER } from "../../src/api/connection-limit.ts";
import { countOpenFds } from "../../src/api/own-memory.ts";
import { Warnings } from "../config/warnings.ts";
import { titled } from "../kernel/support/needs.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-connections-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const needsRoot = process.geteuid?.() === 0 ? null : "needs root";

/** Calls the check until it counts connections: it does so at the latest at the sixteenth call. */
async function look(limit: ConnectionLimit): Promise<void> {
  for (let i = 0; i < 16; i++) limit.check();
  // The event loop then reads the end of the closed connections.
  await Bun.sleep(50);
}

/** Another process with connections: `open` and `close` change their number, `ask` sends a request on the last one. */
class Clients implements AsyncDisposable {
  static readonly #script = `
    const [at, uid] = process.argv.slice(1);
    if (uid) { process.setgid(Number(uid)); process.setuid(Number(uid)); }
    const to = at.startsWith("/") ? { unix: at } : { hostname: "127.0.0.1", port: Number(at) };
    const sockets = [];
    let ended = 0;
    for await (const line of console) {
      const [what, count, text] = JSON.parse(line);
      for (let i = 0; i < count; i++) {
        if (what === "close") sockets.pop().terminate();
        else if (what === "open") {
          const socket = await Bun.connect({ ...to, socket: { data() {}, close() { ended++; } } });
          // The kernel passes no connection on that sends nothing (TCP_DEFER_ACCEPT).
          socket.write(text ?? "G");
          sockets.push(socket);
        }
      }
      await Bun.sleep(50);
      console.log(ended);
    }`;
  readonly #child;
  readonly #reader;

  constructor(at: number | string, uid?: number) {
    const words = uid === undefined ? [String(at)] : [String(at), String(uid)];
    this.#child = Bun.spawn([process.execPath, "-e", Clients.#script, ...words], { stdin: "pipe", stdout: "pipe" });
    this.#reader = this.#child.stdout.getReader();
  }

  /** @returns how many connections the server has ended so far */
  async do(what: "open" | "close" | "wait", count = 0, text?: string): Promise<number> {
    this.#child.stdin.write(`${JSON.stringify([what, count, text])}\n`);
    await this.#child.stdin.flush();
    const { value } = await this.#reader.read();
    // The server's loop opens and closes its side of the connections.
    await Bun.sleep(50);
    return Number(new TextDecoder().decode(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
  }
}

async function isAnswered(url: string, unix?: string): Promise<boolean> {
  try {
    const init = { signal: AbortSignal.timeout(5000), keepalive: false, ...(unix ? { unix } : {}) };
    return (await fetch(url, init)).ok;
  } catch {
    return false;
  }
}

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

interface Limited extends AsyncDisposable {
  limit: ConnectionLimit;
  server: Bun.Server<undefined>;
}

function listen(options: { max: number; maxFiles?: number; unix?: string; streamPorts?: () => number[] }): Limited {
  let server: Bun.Server<undefined> | undefined;
  const where = options.unix ? { unix: options.unix } : { hostname: "127.0.0.1", port: 0 };
  const limit = new ConnectionLimit({
    max: options.max,
    ...(options.maxFiles ? { maxFiles: options.maxFiles } : {}),
    listen: () => {
      server = Bun.serve({ ...where, fetch: () => new Response("ok") } as unknown as Bun.Serve.Options<undefined>);
    },
    isStream: ({ port }) => options.streamPorts?.().includes(port) ?? false,
    closeIdle: () => server?.closeIdleConnections(),
  });
  if (!server) throw new Error("nothing listens");
  const started = server;
  return {
    limit,
    server: started,
    [Symbol.asyncDispose]: async () => {
      limit.close();
      await started.stop(true);
    },
  };
}

describe("connections", () => {
  test("of one account beyond its share are closed, idle ones first, and the next request is answered", async () => {
    await using limited = listen({ max: 1000 });
    const { limit, server } = limited;
    using warnings = new Warnings();
    await using clients = new Clients(server.port ?? 0);
    await clients.do("open", MAX_PER_PEER - 10);
    await look(limit);
    expect([limit.count, limit.closed.peer_limit]).toEqual([MAX_PER_PEER - 10, 0]);
    await clients.do("open", 40);
    await look(limit);
    expect([limit.count, limit.closed.peer_limit]).toEqual([MAX_PER_PEER, 30]);
    expect(await clients.do("wait")).toBe(30);
    expect([limit.isPaused, await isAnswered(server.url.href)]).toEqual([false, true]);
    const who = `uid ${process.geteuid?.()}`;
    expect(warnings.take()).toEqual([
      `the HTTP API closes idle connections of ${who}, which has more than ${MAX_PER_PEER}`,
    ]);
  });

  test("that are kept alive after a request are closed like those without a request", async () => {
    await using limited = listen({ max: 1000 });
    const { limit, server } = limited;
    await using clients = new Clients(server.port ?? 0);
    await clients.do("open", 3 * MAX_PER_PEER, REQUEST);
    await look(limit);
    expect([limit.count, await isAnswered(server.url.href)]).toEqual([MAX_PER_PEER, true]);
  });

  test.skipIf(needsRoot !== null)(
    titled("of one account are not closed because of another account's connections", needsRoot),
    async () => {
      await using limited = listen({ max: 1000 });
      const { limit, server } = limited;
      await using mine = new Clients(server.port ?? 0);
      await mine.do("open", 40);
      await using others = new Clients(server.port ?? 0, 65534);
      await others.do("open", 3 * MAX_PER_PEER);
      await look(limit);
      expect(await others.do("wait")).toBe(2 * MAX_PER_PEER);
      expect(await mine.do("wait")).toBe(0);
    },
  );

  test("beyond the total limit are closed, so that some places are always free", async () => {
    await using limited = listen({ max: 40 });
    const { limit, server } = limited;
    await using clients = new Clients(server.port ?? 0);
    await clients.do("open", 45);
    await look(limit);
    expect([limit.count, limit.closed.total_limit, limit.isPaused]).toEqual([35, 10, false]);
    expect(await isAnswered(server.url.href)).toBe(true);
  });

  test("with event streams stay, and accepting pauses if there are too many of them", async () => {
    let ports: number[] = [];
    await using limited = listen({ max: 40, streamPorts: () => ports });
    const { limit, server } = limited;
    await using clients = new Clients(server.port ?? 0);
    await clients.do("open", 45);
    ports = limit.peers().map(([{ port }]) => port);
    await look(limit);
    expect([limit.count, limit.isPaused]).toEqual([45, true]);
    ports = ports.slice(0, 20);
    await look(limit);
    expect([limit.count, limit.isPaused]).toEqual([35, false]);
    expect(await isAnswered(server.url.href)).toBe(true);
  });

  test("have half of the descriptors if these are few", async () => {
    const before = countOpenFds();
    await using limited = listen({ max: 1000, maxFiles: before + 42 });
    const { limit, server } = limited;
    await using clients = new Clients(server.port ?? 0);
    await clients.do("open", 30);
    await look(limit);
    expect(limit.count).toBeLessThanOrEqual(20);
    expect(await isAnswered(server.url.href)).toBe(true);
  });

  test("wait while accepting is paused, and are answered afterwards", async () => {
    await using limited = listen({ max: 1000 });
    const { limit, server } = limited;
    limit.restFor(200);
    expect(limit.isPaused).toBe(true);
    expect(await isAnswered(server.url.href)).toBe(true);
    expect(limit.isPaused).toBe(false);
  });

  test("to a Unix socket are closed as well: first those waiting for a further request, then those without any", async () => {
    const path = join(folder, "socket");
    await using limited = listen({ max: 1000, unix: path });
    const { limit } = limited;
    chmodSync(folder, 0o711);
    if (needsRoot === null) chownSync(path, 65534, 65534);
    await using clients = new Clients(path, needsRoot === null ? 65534 : undefined);
    await clients.do("open", 2 * MAX_PER_PEER, REQUEST);
    await look(limit);
    expect(limit.count).toBe(0);
    await clients.do("open", 2 * MAX_PER_PEER);
    await look(limit);
    await look(limit);
    expect(limit.count).toBe(MAX_PER_PEER);
    expect(await isAnswered("http://localhost/", path)).toBe(true);
  });
});
