import { describe, expect, test } from "bun:test";
import { titled } from "../kernel/support/needs.ts";
import { startMadeUp } from "./made-up.ts";

const needsRoot = process.geteuid?.() === 0 ? null : "needs root";

/** Follows the events with `count` connections. @returns the status of each answer */
async function follow(url: string, count: number, uid?: number): Promise<{ statuses: number[] } & AsyncDisposable> {
  const script = `
    const [url, count, uid] = process.argv.slice(1);
    if (uid) { process.setgid(Number(uid)); process.setuid(Number(uid)); }
    // An unreferenced response is garbage-collected, which closes its connection.
    const responses = (globalThis.responses = []);
    for (let i = 0; i < Number(count); i++) responses.push(await fetch(url));
    console.log(JSON.stringify(responses.map(({ status }) => status)));
    await new Promise(() => setInterval(() => {}, 1000));`;
  const words = [url, String(count), ...(uid === undefined ? [] : [String(uid)])];
  const child = Bun.spawn([process.execPath, "-e", script, ...words], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  return {
    statuses: JSON.parse(new TextDecoder().decode(value)),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}

describe("places for event streams", () => {
  test("go to one account up to three quarters", async () => {
    await using server = await startMadeUp({ maxClients: 8 });
    await using one = await follow(server.url("/events"), 8);
    expect(one.statuses).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
  });

  test.skipIf(needsRoot !== null)(titled("stay free for other accounts beyond that", needsRoot), async () => {
    await using server = await startMadeUp({ maxClients: 8 });
    await using one = await follow(server.url("/events"), 12, 65534);
    expect(one.statuses.filter((status) => status === 200)).toHaveLength(6);
    await using two = await follow(server.url("/events"), 3);
    expect(two.statuses).toEqual([200, 200, 429]);
  });

  test("are free again once a client has left", async () => {
    await using server = await startMadeUp({ maxClients: 4 });
    {
      await using one = await follow(server.url("/events"), 3);
      expect(one.statuses).toEqual([200, 200, 200]);
    }
    while (server.api.clients > 0) await Bun.sleep(5);
    await using again = await follow(server.url("/events"), 4);
    expect(again.statuses).toEqual([200, 200, 200, 429]);
  });
});
