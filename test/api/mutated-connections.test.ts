/** Invalid HTTP, sent in pieces, cut off and reset: the server goes on, and keeps no connection or memory. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { countOpenFds } from "../../src/api/own-memory.ts";
import { Prng } from "../../src/stats/prng.ts";
import { startMadeUp } from "./made-up.ts";

setDefaultTimeout(600_000);

/** Number of connections; all: `LINNIX_TEST_CONNECTIONS=70000 bun test test/api/mutated-connections.test.ts`. */
const CONNECTIONS = Number(process.env.LINNIX_TEST_CONNECTIONS ?? 5_000);
const SEED = Number(process.env.LINNIX_TEST_SEED ?? Date.now() % 2 ** 31);
const AT_ONCE = 16;

const REQUESTS = [
  "GET /processes?limit=10&sort=cpu HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
  "GET /events?types=exec&pid=1,2 HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: abc-1\r\n\r\n",
  "POST /status HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "OPTIONS / HTTP/1.1\r\nHost: [::1]:3921\r\nOrigin: http://x\r\nAccess-Control-Request-Method: GET\r\n\r\n",
  "GET /graph/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789",
  "HEAD /metrics HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
];
const PIECES = ["\r\n", "\n", "\0", "%00", "%", "A".repeat(5000), "A".repeat(20_000), "\xff".repeat(50), ": "].concat([
  "Content-Length: -1\r\n",
  "Host: x\r\n",
  "Transfer-Encoding: chunked\r\n",
]);

function mutated(prng: Prng): Buffer {
  let text = REQUESTS[prng.index(REQUESTS.length)] as string;
  const insert = (at: number, piece: string) => {
    text = text.slice(0, at) + piece + text.slice(at);
  };
  for (let changes = 1 + prng.index(7); changes > 0; changes--) {
    const at = prng.index(text.length + 1);
    const kind = prng.index(5);
    if (kind === 0) text = text.slice(0, at) + String.fromCharCode(prng.index(256)) + text.slice(at + 1);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + prng.index(10));
    else if (kind === 2) insert(at, PIECES[prng.index(PIECES.length)] as string);
    else if (kind === 3) text += REQUESTS[prng.index(REQUESTS.length)];
    else insert(at, text.slice(prng.index(text.length + 1), at).slice(0, 3000));
  }
  return Buffer.from(text, "latin1");
}

async function send(port: number, prng: Prng): Promise<void> {
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data() {}, close: () => closed.resolve(), error: () => closed.resolve() },
  });
  const bytes = mutated(prng);
  if (prng.index(5) === 0) {
    const middle = prng.index(bytes.length + 1);
    socket.write(bytes.subarray(0, middle));
    await Bun.sleep(0);
    socket.write(bytes.subarray(middle));
  } else {
    socket.write(bytes);
  }
  const end = prng.index(3);
  if (end === 0) socket.shutdown();
  if (end !== 1) await Promise.race([closed.promise, Bun.sleep(2)]);
  socket.terminate();
}

test(`${CONNECTIONS} mutated connections leave nothing behind (seed ${SEED}, of LINNIX_TEST_SEED)`, async () => {
  await using server = await startMadeUp();
  const { port } = new URL(server.api.url);
  const isAlive = async () => (await fetch(server.url("/healthz"), { keepalive: false })).status;
  expect(await isAlive()).toBe(200);
  const before = countOpenFds();
  const prng = new Prng(SEED);
  for (let sent = 0; sent < CONNECTIONS; sent += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => send(Number(port), prng)));
    if (sent % (32 * AT_ONCE) === 0) {
      server.api.flush();
      expect(await isAlive()).toBe(200);
    }
  }
  expect(await isAlive()).toBe(200);
  while (server.api.clients > 0 || server.api.connections > 1) await Bun.sleep(10);
  // The connection of the last request may still be open.
  expect(countOpenFds()).toBeLessThanOrEqual(before + 2);
});
