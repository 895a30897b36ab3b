import { describe, expect, test } from "bun:test";
import { COUNTERS, startMadeUp } from "./made-up.ts";

// biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what is tested
type Json = any;

async function getJson(url: string): Promise<{ status: number; headers: Headers; body: Json }> {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe("routes", () => {
  test("every answer forbids caching and content sniffing", async () => {
    await using server = await startMadeUp();
    for (const path of ["/", "/healthz", "/processes", "/nothing", "/metrics"]) {
      const { headers } = await fetch(server.url(path));
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("/processes lists live processes, sorted, filtered and limited", async () => {
    await using server = await startMadeUp();
    const { source } = server;
    source.exit(30);
    source.table.setSample(source.table.find(20), 12.345, 4096, 3);
    source.table.setSample(source.table.find(10), 99, 1024, 1);
    const pids = async (query: string) => {
      const { body } = await getJson(server.url(`/processes${query}`));
      return body.processes.map(({ pid }: { pid: number }) => pid);
    };
    expect(await pids("")).toEqual([10, 20, 1, 40]);
    expect(await pids("?sort=rss")).toEqual([20, 10, 1, 40]);
    expect(await pids("?sort=start&limit=2")).toEqual([40, 20]);
    expect(await pids("?user=www-data")).toEqual([40]);
    expect(await pids("?user=33")).toEqual([40]);
    expect(await pids("?user=nobody")).toEqual([]);
    expect(await pids("?comm=nginx")).toEqual([40]);
    expect(await pids("?cgroup=/system.slice")).toEqual([10, 20, 1, 40]);
    expect(await pids("?cgroup=/system.slice/cron.service/")).toEqual([10, 20, 1, 40]);
    expect(await pids("?cgroup=/")).toEqual([10, 20, 1, 40]);
    expect(await pids("?cgroup=/system")).toEqual([]);
    const { body } = await getJson(server.url("/processes?limit=1"));
    expect({ ...body, processes: body.processes.length }).toEqual({ live: 4, matched: 4, processes: 1 });
  });

  test("all routes return processes in the same shape", async () => {
    await using server = await startMadeUp();
    const { source } = server;
    source.table.setSample(source.table.find(10), 12.345, 4096, 3);
    const { body } = await getJson(server.url("/processes/10"));
    expect(body).toEqual({
      pid: 10,
      ppid: 1,
      uid: 0,
      gid: 0,
      euid: 0,
      egid: 0,
      auid: null,
      user: "root",
      group: "root",
      comm: "cron",
      exe: "/usr/bin/cron",
      args: ["/usr/sbin/cron", "-f"],
      args_truncated: false,
      exe_truncated: false,
      start_ns: expect.any(Number),
      cgroup_id: 0,
      cgroup: "/system.slice/cron.service",
      container: null,
      pod_uid: null,
      unit: "cron.service",
      cpu_pct: 12.35,
      rss_bytes: 4096,
      threads: 3,
      state: "live",
      exited_ns: null,
      exit_code: null,
      signal: null,
      core_dumped: null,
    });
    const list = await getJson(server.url("/processes?limit=1"));
    const graph = await getJson(server.url("/graph/10"));
    expect(list.body.processes[0]).toEqual(body);
    expect(graph.body.process).toEqual(body);
  });

  test("/graph lists ancestors nearest first and descendants by generation, also of an exited process", async () => {
    await using server = await startMadeUp();
    const { source } = server;
    source.exit(20, 0x89);
    const { body } = await getJson(server.url("/graph/20"));
    const pids = (rows: { pid: number }[]) => rows.map(({ pid }) => pid);
    expect(body.process).toMatchObject({
      pid: 20,
      state: "exited",
      exit_code: null,
      signal: "SIGKILL",
      core_dumped: true,
    });
    expect(pids(body.ancestors)).toEqual([10, 1]);
    expect(pids(body.descendants)).toEqual([30]);
    expect(body.truncated).toBe(false);
  });

  test("a process that started right after the last reading of the rings is found", async () => {
    await using server = await startMadeUp();
    const { source } = server;
    for (const [pid, path] of [
      [71, "/processes/71"],
      [72, "/graph/72"],
    ] as const) {
      source.waiting = () => void source.fork(pid, 1);
      expect((await fetch(server.url(path))).status).toBe(200);
    }
    // The rings are not read more often than needed.
    const before = source.refreshes;
    await fetch(server.url("/processes/71"));
    expect(source.refreshes).toBe(before + 1);
  });

  test("a start above 2^53 is exact", async () => {
    await using server = await startMadeUp();
    const { table } = server.source;
    const text = await (await fetch(server.url("/processes/40"))).text();
    const slot = table.find(40);
    const start = (BigInt(table.startHigh(slot)) << 32n) | BigInt(table.startLow(slot));
    expect(text).toContain(`"start_ns":${start},`);
  });

  test("/status and /readyz report the state", async () => {
    await using server = await startMadeUp();
    const { body } = await getJson(server.url("/status"));
    expect(body).toMatchObject({ started: "2026-09-21T14:13:20.000Z", uptime_s: 12.346 });
    expect(body).toMatchObject({
      backend: "btf",
      lost: 1,
      lost_by_reason: { ring_full: 1, no_ring: 0 },
      received: { fork: 3 },
      history: [{ seconds: 10.1, fork: 200, cpu_pct: 0.4 }],
      processes: { live: 5 },
    });
    expect(body).toMatchObject({ ...COUNTERS });
    const short = await getJson(server.url("/status?history=false"));
    expect(short.body).toMatchObject({ ...COUNTERS, history: [] });
    const ready = await getJson(server.url("/readyz"));
    expect([ready.status, ready.body]).toEqual([
      200,
      { status: "ready", reasons: [], backend: "btf", sampling: "task-iterator", missing_fields: [] },
    ]);
    server.source.told = { backend: "tracepoint", missingFields: ["cgroup_id"] };
    const degraded = await getJson(server.url("/readyz"));
    expect(degraded.status).toBe(200);
    expect(degraded.body).toMatchObject({ status: "degraded", backend: "tracepoint", missing_fields: ["cgroup_id"] });
    expect(degraded.body.reasons).toEqual(["the tracepoint backend has no values for cgroup_id"]);
    server.source.told = { conditions: new Map([["no_ring", "CPU 1 has no ring"]]) };
    const blind = await getJson(server.url("/readyz"));
    expect([blind.status, blind.body.status, blind.body.reasons]).toEqual([200, "degraded", ["CPU 1 has no ring"]]);
    const metrics = await (await fetch(server.url("/metrics"))).text();
    expect(metrics).toContain('\nlinnix_degraded{reason="no_ring"} 1\n');
    expect(metrics).toContain('\nlinnix_degraded{reason="sampler_full"} 0\n');
    server.source.told = { sampling: { source: "proc", intervalMs: 1000 } };
    const sampledByProc = await getJson(server.url("/readyz"));
    expect(sampledByProc.body).toMatchObject({ status: "degraded", backend: "btf", missing_fields: [] });
    expect(sampledByProc.body.reasons).toEqual([expect.stringContaining("/proc")]);
    // With sampling switched off no samples are missing.
    server.source.told = { sampling: null };
    expect((await getJson(server.url("/readyz"))).body).toMatchObject({ status: "ready", sampling: null });
    server.source.told = {
      sampling: { source: "proc", intervalMs: 1000 },
      backend: "tracepoint",
      missingFields: ["args"],
    };
    expect((await getJson(server.url("/readyz"))).body.reasons).toHaveLength(2);
    server.source.told = { collecting: "stopping" };
    const stopping = await getJson(server.url("/readyz"));
    expect(stopping.status).toBe(503);
    expect(stopping.headers.get("content-type")).toBe("application/problem+json");
    expect(stopping.body.reasons).toEqual(["stopping: no events are collected"]);
    expect((await fetch(server.url("/healthz"))).status).toBe(200);
  });

  test("/ returns JSON to programs and a page to browsers", async () => {
    await using server = await startMadeUp();
    const { body } = await getJson(server.url("/"));
    expect(body.routes.map(({ path }: { path: string }) => path)).toContain("/graph/{pid}");
    const page = await fetch(server.url("/"), { headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("vary")).toBe("Accept");
    expect(await page.text()).toStartWith("<!doctype html>");
  });

  test("HEAD returns the headers of GET without a body", async () => {
    await using server = await startMadeUp();
    for (const path of ["/healthz", "/processes", "/metrics", "/events"]) {
      const head = await fetch(server.url(path), { method: "HEAD" });
      expect(head.status).toBe(200);
      expect(await head.text()).toBe("");
      expect(head.headers.get("content-type")).toBeTruthy();
    }
    expect((await fetch(server.url("/processes/77"), { method: "HEAD" })).status).toBe(404);
  });

  test("a list is encoded once for many clients, and again if it has changed and is no longer fresh", async () => {
    await using server = await startMadeUp();
    for (let i = 0; i < 50; i++) await (await fetch(server.url("/processes?limit=2"))).text();
    expect(server.source.lists).toBeLessThan(50);
    const before = server.source.lists;
    await Bun.sleep(250);
    server.source.fork(99, 1, "late");
    const { body } = await getJson(server.url("/processes?limit=2"));
    expect(body.matched).toBe(6);
    expect(server.source.lists).toBe(before + 1);
  });

  test("simultaneous requests for more lists than the cache has room for get whole lists", async () => {
    await using server = await startMadeUp();
    for (let pid = 100; pid < 150; pid++) server.source.fork(pid, 1);
    const { port } = new URL(server.api.url);
    await using socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(port), socket: { data: take } });
    let text = "";
    function take(_: unknown, bytes: Uint8Array): void {
      text += new TextDecoder().decode(bytes);
    }
    const limits = Array.from({ length: 40 }, (_, i) => i + 1);
    socket.write(limits.map((limit) => `GET /processes?limit=${limit} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(""));
    const lists = () => [...text.matchAll(/^\{"live".*\}$/gm)].map(([list]) => JSON.parse(list) as Json);
    while (lists().length < limits.length) await Bun.sleep(10);
    expect(lists().map(({ processes }) => processes.length)).toEqual(limits);
  });
});
