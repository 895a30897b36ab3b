import { describe, expect, jest, test } from "bun:test";
import { connect } from "node:net";
import { EventStream } from "../../src/api/event-stream.ts";
import { MadeUpSource, startMadeUp } from "./made-up.ts";
import { type ServerEvent, SseClient } from "./sse-client.ts";

const pidOf = ({ data }: ServerEvent) => (JSON.parse(data) as { pid: number }).pid;
const numberOf = ({ id }: ServerEvent) => Number(id?.split("-")[1]);

/** Waits until the other end of a connection has noticed a change. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(5);
}

describe("live events", () => {
  test("have an id, a type and the object of JSON Lines", async () => {
    await using server = await startMadeUp();
    const { api, source } = server;
    await using client = await SseClient.open(server.url("/events"));
    api.write(source.fork(50, 1, "bash"));
    api.write(source.exec(50, "ls", ["ls", 'a"\n']));
    api.write(source.exit(50, 0x100));
    api.notice({ type: "lost", ...{ ts_ns: 2n ** 60n, cpu: 0, count: 3 } });
    api.flush();
    const [fork, exec, exit, lost] = await client.take(4);
    expect(JSON.parse(fork?.data ?? "")).toMatchObject({ type: "fork", pid: 50, ppid: 1, comm: "bash" });
    expect(JSON.parse(exec?.data ?? "")).toMatchObject({ type: "exec", exe: "/usr/bin/ls", args: ["ls", 'a"\n'] });
    expect(JSON.parse(exit?.data ?? "")).toMatchObject({ type: "exit", exit_code: 1, exe: "/usr/bin/ls" });
    expect(lost?.data).toBe('{"type":"lost","ts_ns":1152921504606846976,"cpu":0,"count":3}');
    expect([fork, exec, exit, lost].map((event) => event?.event)).toEqual(["fork", "exec", "exit", "lost"]);
    expect([fork, exec, exit, lost].map((event) => numberOf(event as ServerEvent))).toEqual([1, 2, 3, 4]);
  });

  test("are filtered by types, pids and comm; events without a process pass filters of processes", async () => {
    await using server = await startMadeUp();
    const { api, source } = server;
    await using types = await SseClient.open(server.url("/stream?types=exec,exit"));
    await using pids = await SseClient.open(server.url("/events?pid=51,52"));
    await using comm = await SseClient.open(server.url("/events?comm=bash"));
    api.write(source.fork(50, 1, "bash"));
    api.write(source.fork(51, 1, "bas"));
    api.write(source.fork(52, 1, "bash2"));
    api.write(source.exec(50, "cat"));
    api.notice({ type: "lost", ...{ cpu: 0, count: 1 } });
    api.notice({ type: "sample", pid: 52, comm: "bash" });
    api.flush();
    expect((await types.take(1)).map(pidOf)).toEqual([50]);
    expect((await pids.take(4)).map(({ event, data }) => [event, JSON.parse(data).pid])).toEqual([
      ["fork", 51],
      ["fork", 52],
      ["lost", undefined],
      ["sample", 52],
    ]);
    expect((await comm.take(3)).map(({ event }) => event)).toEqual(["fork", "lost", "sample"]);
  });

  test("a client that reconnects gets the missed events; ids of another run are recognized", async () => {
    await using server = await startMadeUp();
    const { api, source } = server;
    let first: ServerEvent | undefined;
    {
      await using client = await SseClient.open(server.url("/events"));
      api.write(source.fork(60, 1));
      api.flush();
      first = await client.next();
    }
    for (const pid of [61, 62, 63]) api.write(source.fork(pid, 1));
    api.flush();
    {
      await using client = await SseClient.open(server.url("/events"), first?.id ?? "");
      expect((await client.take(3)).map(pidOf)).toEqual([61, 62, 63]);
    }
    for (const id of ["deadbeef0000-2", "nonsense", ""]) {
      await using client = await SseClient.open(server.url("/events"), id);
      const [gap, ...events] = await client.take(5);
      expect(gap).toMatchObject({ id: null, event: "gap" });
      expect(JSON.parse(gap?.data ?? "")).toEqual({ type: "gap", reason: "other-run", missed: null });
      expect(events.map(pidOf)).toEqual([60, 61, 62, 63]);
    }
  });

  test("a gap has the number of events that the history no longer has", async () => {
    await using server = await startMadeUp({ historyEvents: 5 });
    const { api, source } = server;
    await using first = await SseClient.open(server.url("/events"));
    for (let i = 0; i < 20; i++) api.write(source.fork(100 + i, 1));
    api.flush();
    const events = await first.take(20);
    await using client = await SseClient.open(server.url("/events"), events[9]?.id ?? "");
    const [gap, ...rest] = await client.take(6);
    expect(JSON.parse(gap?.data ?? "")).toEqual({ type: "gap", reason: "history", missed: 5 });
    expect(rest.map(numberOf)).toEqual([16, 17, 18, 19, 20]);
  });

  test("events without a client are counted: a client that reconnects gets their number", async () => {
    const source = new MadeUpSource();
    const stream = new EventStream({ maxClients: 1, historyEvents: 10, historyBytes: 1 << 20, heartbeatMs: 1000 });
    for (let i = 0; i < 7; i++) stream.event(source.fork(100 + i, 1));
    expect(stream.history.bytes).toBe(0);
    const body = stream.open({ types: null, pid: null, comm: null }, `${stream.epoch}-2`);
    stream.event(source.fork(200, 1));
    stream.flush();
    const reader = body?.getReader();
    let text = "";
    while (!text.includes("fork")) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(text).toContain('{"type":"gap","reason":"history","missed":5}');
    expect(text).toContain(`id: ${stream.epoch}-8\n`);
    await reader?.cancel();
    stream.close();
  });

  test("events of types that no client wants are only numbered; a client that wants them later gets a gap", async () => {
    await using server = await startMadeUp();
    const { api, source } = server;
    const ends = await SseClient.open(server.url("/events?types=exit"));
    api.write(source.fork(50, 1));
    api.write(source.exit(50));
    api.flush();
    const [exit] = await ends.take(1);
    expect(numberOf(exit as ServerEvent)).toBe(2);
    api.write(source.fork(51, 1));
    await using both = await SseClient.open(server.url("/events?types=fork,exit"), exit?.id ?? "");
    api.write(source.fork(52, 1));
    api.flush();
    const [gap, fork] = await both.take(2);
    expect(JSON.parse(gap?.data ?? "")).toEqual({ type: "gap", reason: "history", missed: 1 });
    expect([pidOf(fork as ServerEvent), numberOf(fork as ServerEvent)]).toEqual([52, 4]);
    // Clients that want only exits get no gap.
    await using again = await SseClient.open(server.url("/events?types=exit"), exit?.id ?? "");
    api.write(source.exit(51));
    api.flush();
    expect((await again.take(1)).map(({ event }) => event)).toEqual(["exit"]);
    await ends[Symbol.asyncDispose]();
  });

  test("events from before redaction are dropped from the history, and clients get a gap", async () => {
    await using server = await startMadeUp();
    const { api, source } = server;
    await using first = await SseClient.open(server.url("/events"));
    source.fork(50, 1);
    source.fork(51, 1);
    source.fork(52, 1);
    api.write(source.exec(50, "a", ["a", "--password=hunter2"]));
    api.flush();
    const [{ id } = { id: null }] = await first.take(1);
    api.write(source.exec(51, "b", ["b", "--password=hunter2"]));
    expect(await (await fetch(server.url("/processes"))).text()).toContain("hunter2");
    api.forget();
    api.write(source.exec(52, "c"));
    api.flush();
    const gap = { type: "gap", reason: "redaction", missed: 1 };
    const [connected, next] = await first.take(2);
    expect(JSON.parse(connected?.data ?? "")).toEqual(gap);
    expect(pidOf(next as ServerEvent)).toBe(52);
    await using back = await SseClient.open(server.url("/events"), id ?? "");
    const [told, ...rest] = await back.take(2);
    expect(JSON.parse(told?.data ?? "")).toEqual(gap);
    expect(rest.map(pidOf)).toEqual([52]);
    await using unknown = await SseClient.open(server.url("/events"), "nonsense");
    expect((await unknown.take(2)).map(({ data }) => data).join()).not.toContain("hunter2");
  });

  test("a quiet stream sends heartbeats", async () => {
    await using server = await startMadeUp({ heartbeatMs: 20 });
    await using client = await SseClient.open(server.url("/events"));
    await client.untilComment("heartbeat");
  });

  test("a busy stream sends its heartbeat as well: no client waits longer than one interval", async () => {
    await using server = await startMadeUp({ heartbeatMs: 50 });
    await using client = await SseClient.open(server.url("/events"));
    let pid = 100;
    const busy = setInterval(() => {
      server.api.write(server.source.fork(pid++, 1));
      server.api.flush();
    }, 5);
    try {
      await client.untilComment("heartbeat");
    } finally {
      clearInterval(busy);
    }
  });

  test("clients beyond the limit get Retry-After; the place of a client that leaves is free", async () => {
    await using server = await startMadeUp({ maxClients: 1 });
    {
      await using _client = await SseClient.open(server.url("/events"));
      const refused = await fetch(server.url("/events"));
      expect(refused.status).toBe(429);
      expect(refused.headers.get("retry-after")).toBe("5");
      expect(await refused.json()).toMatchObject({ status: 429, title: "Too Many Requests" });
      expect(await (await fetch(server.url("/metrics"))).text()).toContain("linnix_api_refused_clients_total 1\n");
    }
    let status = 429;
    while (status === 429) {
      await using client = await SseClient.open(server.url("/events")).catch(() => undefined);
      status = client ? 200 : 429;
    }
  });

  test("a stuck client misses events, gets their number, and delays no other client", async () => {
    await using server = await startMadeUp({ historyEvents: 1000 });
    const { api, source } = server;
    const { port } = new URL(api.url);
    const stuck = connect(Number(port), "127.0.0.1");
    stuck.pause();
    await new Promise((resolve) => stuck.once("connect", resolve));
    stuck.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await using client = await SseClient.open(server.url("/events?types=exec"));
    await until(() => api.clients === 2);
    const args = ["x".repeat(900)];
    source.fork(70, 1);
    let seen = 0;
    const events = 30_000;
    const reading = (async () => {
      while (seen < events) {
        const event = await client.next();
        if (!event) return;
        // Each chunk is read whole: its memory may be reused after it is sent, and not before.
        const data = JSON.parse(event.data) as { missed: number };
        seen += event.event === "gap" ? data.missed : 1;
      }
    })();
    for (let i = 0; i < events; i++) {
      api.write(source.exec(70, "load", args));
      if (i % 200 !== 199) continue;
      api.flush();
      await Bun.sleep(0);
    }
    api.flush();
    await reading;
    // The client that reads has every event or a gap. The stuck one gets its gap once it reads again.
    expect(seen).toBe(events);
    const metrics = await (await fetch(server.url("/metrics"))).text();
    expect(Number(/^linnix_sse_missed_events_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
    expect(Number(/^linnix_sse_history_bytes (\d+)$/m.exec(metrics)?.[1])).toBeLessThan(2 * 2 ** 20);
    let text = "";
    const told = () => [...text.matchAll(/^id: \w+-(\d+)$/gm)].length;
    const missed = () =>
      [...text.matchAll(/"reason":"slow-client","missed":(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    stuck.on("data", (bytes) => {
      text += bytes;
    });
    stuck.resume();
    while (!text.includes(`-${events}\n`)) await Bun.sleep(20);
    expect(missed()).toBeGreaterThan(0);
    // An id may be split by the chunks of the transfer encoding; then it is not counted here.
    expect(told() + missed()).toBeLessThanOrEqual(events);
    expect(told() + missed()).toBeGreaterThan(events - 200);
    stuck.destroy();
    await until(() => api.clients === 1);
  }, 60_000);

  test("a client that reads nothing for five minutes is cut off, or keeps its place if that fails", () => {
    jest.useFakeTimers();
    try {
      for (const canBeCut of [true, false]) {
        let cuts = 0;
        const stream = new EventStream({
          maxClients: 1,
          historyEvents: 10,
          historyBytes: 1 << 20,
          heartbeatMs: 60_000,
        });
        // The client does not read: even the retry field does not fit into its buffer.
        stream.open({ types: null, pid: null, comm: null }, null, canBeCut ? () => cuts++ : undefined);
        jest.advanceTimersByTime(4 * 60_000);
        expect([cuts, stream.clients]).toEqual([0, 1]);
        jest.advanceTimersByTime(2 * 60_000);
        expect([cuts, stream.clients]).toEqual(canBeCut ? [1, 0] : [0, 1]);
        stream.close();
      }
    } finally {
      jest.useRealTimers();
    }
  });

  test("have a header that makes proxies pass them on at once", async () => {
    await using server = await startMadeUp();
    for (const method of ["GET", "HEAD"]) {
      const abort = new AbortController();
      const { headers } = await fetch(server.url("/events"), { method, signal: abort.signal });
      expect(headers.get("x-accel-buffering")).toBe("no");
      abort.abort();
    }
  });

  test("at the end of the run, clients get the remaining events and the end of the stream", async () => {
    const server = await startMadeUp();
    const { api, source } = server;
    await using client = await SseClient.open(server.url("/events"));
    api.write(source.fork(80, 1));
    api.notice({ type: "summary" });
    await api.close();
    expect((await client.take(2)).map(({ event }) => event)).toEqual(["fork", "summary"]);
    expect(await client.next()).toBeUndefined();
  });
});

test("the history is bounded in bytes, not only in events", () => {
  const stream = new EventStream({
    maxClients: 1,
    historyEvents: 1_000_000,
    historyBytes: 1 << 20,
    heartbeatMs: 60_000,
  });
  const source = new MadeUpSource();
  try {
    stream.open({ types: null, pid: null, comm: null }, null);
    const args = ["x".repeat(200)];
    source.fork(10, 1);
    for (let i = 0; i < 20_000; i++) stream.event(source.exec(10, "true", args));
    expect(stream.history.bytes).toBeLessThan(1.5 * (1 << 20));
    expect(stream.history.events).toBeGreaterThan(1000);
  } finally {
    stream.close();
  }
});
