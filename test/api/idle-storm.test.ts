/** Connections that are opened, used rarely and never closed: the next request is answered nevertheless. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { MAX_PER_PEER } from "../../src/api/connection-limit.ts";
import { startMadeUp } from "./made-up.ts";

setDefaultTimeout(300_000);

/** Number of connections; the full test: `LINNIX_TEST_IDLE=1400 bun test test/api/idle-storm.test.ts`. */
const IDLE = Number(process.env.LINNIX_TEST_IDLE ?? 1_400);
const ROUNDS = 5;

const STORM = `
  const [port, count] = process.argv.slice(1).map(Number);
  const request = "GET /status HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n";
  const open = new Set();
  for await (const _line of console) {
    while (open.size < count) {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {}, close: (s) => open.delete(s) } });
      open.add(socket);
    }
    for (const socket of open) socket.write(request);
    await Bun.sleep(50);
    console.log(open.size);
  }`;

test(`${IDLE} idle connections of one account do not keep other clients out`, async () => {
  await using server = await startMadeUp();
  const child = Bun.spawn([process.execPath, "-e", STORM, new URL(server.api.url).port, String(IDLE)], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const reader = child.stdout.getReader();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      child.stdin.write("again\n");
      await child.stdin.flush();
      await reader.read();
      // As at flushes; one in sixteen calls counts connections in any case.
      for (let look = 0; look < 16; look++) server.api.flush();
      const answer = await fetch(server.url("/healthz"), { keepalive: false, signal: AbortSignal.timeout(30_000) });
      expect(answer.status).toBe(200);
    }
    // A connection that was shut down exists until the server notices it.
    for (let tries = 0; tries < 200 && server.api.connections > MAX_PER_PEER + 1; tries++) {
      for (let look = 0; look < 16; look++) server.api.flush();
      await Bun.sleep(50);
    }
    expect(server.api.connections).toBeLessThanOrEqual(MAX_PER_PEER + 1);
    expect(server.api.isPaused).toBe(false);
  } finally {
    child.kill();
    await child.exited;
  }
});
