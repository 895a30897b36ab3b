import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { UnderWay } from "../../src/api/under-way.ts";
import { startMadeUp } from "./made-up.ts";

// The machine may be busy.
setDefaultTimeout(60_000);

const MIB = 2 ** 20;

describe("answers that are being sent", () => {
  test("are bounded together, but a single answer is not", () => {
    const underWay = new UnderWay();
    expect(underWay.add(100 * MIB, 0)).toBe(true);
    expect([underWay.add(MIB, 1), underWay.add(60_000, 1)]).toEqual([false, true]);
    // The large answer has been sent.
    expect(Array.from({ length: 16 }, (_, others) => underWay.add(MIB, others))).toEqual(Array(16).fill(true));
    expect(underWay.add(MIB, 16)).toBe(false);
    expect(underWay.add(MIB, 15)).toBe(true);
  });

  test("count as the largest ones if it is not known which have been sent", () => {
    const underWay = new UnderWay();
    for (const [others, mib] of [8, 1, 6].entries()) expect(underWay.add(mib * MIB, others)).toBe(true);
    expect([underWay.add(3 * MIB, 2), underWay.add(2 * MIB, 2)]).toEqual([false, true]);
  });
});

describe("a client that sends requests and does not read", () => {
  test("makes long answers refused to all clients, but not short ones, until it disconnects", async () => {
    await using server = await startMadeUp();
    // The answer is longer than a socket has room for.
    for (let pid = 1000; pid < 11_000; pid++) {
      server.source.fork(pid, 1);
      server.source.exec(pid, "long", ["/bin/long", "x".repeat(400)]);
    }
    const list = server.url("/processes?limit=10000");
    const { hostname, port } = new URL(list);
    const open = () =>
      Bun.connect({
        hostname,
        port: Number(port),
        socket: {
          open(socket) {
            socket.pause();
            socket.write(`GET /processes?limit=10000&sort=rss HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
          },
          data() {},
        },
      });
    const sockets = await Promise.all(Array.from({ length: 8 }, open));
    await Bun.sleep(300);
    const refused = await fetch(list);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(await refused.json()).toMatchObject({ status: 429, title: "Too Many Requests" });
    expect((await fetch(server.url("/processes?limit=10"))).status).toBe(200);
    for (const socket of sockets) socket.terminate();
    await Bun.sleep(300);
    const answered = await fetch(list);
    expect(answered.status).toBe(200);
    expect((await answered.arrayBuffer()).byteLength).toBeGreaterThan(4 * MIB);
  });
});
