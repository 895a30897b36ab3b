import { describe, expect, test } from "bun:test";
import { eventSchemas } from "../../src/api/event-schemas.ts";
import { ROUTES } from "../../src/api/routes.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { recordIn } from "../../src/wire/record.ts";
import { lineOf } from "../process/event-of.ts";
import { exitRecord } from "../wire/make-record.ts";
import { Description } from "./description.ts";
import { problemsOf, type Schema } from "./json-schema.ts";
import { COUNTERS, PAGE_FAULTS, startMadeUp } from "./made-up.ts";

/** Requests: path, route, options and expected status. */
const REQUESTS: [path: string, route: string, status: number, accept?: string][] = [
  ["/", "/", 200],
  ["/", "/", 200, "text/html"],
  ["/healthz", "/healthz", 200],
  ["/readyz", "/readyz", 200],
  ["/status", "/status", 200],
  ["/status?history=false", "/status", 200],
  ["/status?history=no", "/status", 400],
  ["/processes", "/processes", 200],
  ["/processes?sort=rss&limit=2", "/processes", 200],
  ["/processes?sort=x", "/processes", 400],
  ["/processes/10", "/processes/{pid}", 200],
  ["/processes/20", "/processes/{pid}", 200],
  ["/processes/x", "/processes/{pid}", 400],
  ["/processes/999", "/processes/{pid}", 404],
  ["/graph/10", "/graph/{pid}", 200],
  ["/graph/999", "/graph/{pid}", 404],
  ["/events?types=x", "/events", 400],
  ["/events?types=totals,lost&pid=1", "/events", 400],
  ["/stream?nope=1", "/stream", 400],
  ["/commands", "/commands", 200],
  ["/commands?window=5m&limit=3", "/commands", 200],
  ["/commands?window=1s", "/commands", 400],
  ["/groups", "/groups", 404],
  ["/metrics", "/metrics", 200],
  ["/openapi.json", "/openapi.json", 200],
  ["/openapi.json?x=1", "/openapi.json", 400],
  [`/processes?comm=${"x".repeat(9000)}`, "/processes", 414],
];

describe("the description of the API", () => {
  test("names every route, and has no dangling references", async () => {
    await using server = await startMadeUp();
    const { text, document } = await Description.of(await fetch(server.url("/openapi.json")));
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual(ROUTES.map(({ path }) => path));
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const named = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name as string);
    expect(named.length).toBeGreaterThan(20);
    for (const name of named) expect(Object.keys(document.components.schemas)).toContain(name);
  });

  test("matches every answer, including problems", async () => {
    await using server = await startMadeUp();
    const { source } = server;
    source.exit(20, 0x8b);
    source.table.setSample(source.table.find(10), 3.5, 4096, 2);
    const description = await Description.of(await fetch(server.url("/openapi.json")));
    const check = async (response: Response, route: string) =>
      expect(await description.problems(response, route)).toEqual([]);
    for (const [path, route, status, accept] of REQUESTS) {
      const response = await fetch(server.url(path), accept ? { headers: { Accept: accept } } : {});
      expect([path, response.status]).toEqual([path, status]);
      await check(response, route);
      // Answers without a body are described as well.
      const head = await fetch(server.url(path), { method: "HEAD" });
      expect([path, Object.keys(description.document.paths[route]?.head?.responses ?? {})]).toEqual([
        path,
        expect.arrayContaining([String(head.status)]),
      ]);
    }
    await check(await fetch(server.url("/status"), { method: "POST" }), "/status");
    source.told = { counters: { ...COUNTERS, page_faults: PAGE_FAULTS } };
    await check(await fetch(server.url("/status")), "/status");
    source.told = {
      backend: "tracepoint",
      missingFields: ["cgroup_id"],
      inKernelCpuPct: null,
      budget: null,
      sampling: null,
    };
    await check(await fetch(server.url("/readyz")), "/readyz");
    await check(await fetch(server.url("/status")), "/status");
    source.reported = { detail: "summary", types: [] };
    await check(await fetch(server.url("/commands")), "/commands");
    await check(await fetch(server.url("/events?types=process")), "/events");
    const streams = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const abort = new AbortController();
        return { abort, response: await fetch(server.url("/events"), { signal: abort.signal }) };
      }),
    );
    const refused = streams.find(({ response }) => response.status === 429);
    await check(refused?.response as Response, "/events");
    for (const { abort } of streams) abort.abort();
  });

  test("is checked by code that finds wrong answers", () => {
    const schema: Schema = {
      type: "object",
      properties: { a: { type: "integer", minimum: 0 }, b: { anyOf: [{ type: "string" }, { type: "null" }] } },
      required: ["a"],
      additionalProperties: false,
    };
    expect(problemsOf({ a: 1, b: null }, schema, {})).toEqual([]);
    expect(problemsOf({ a: -1, b: 2, c: 3 }, schema, {})).toHaveLength(4);
    expect(problemsOf({}, schema, {})).toHaveLength(1);
  });
});

test("every event of the API has a schema, which a real line matches", () => {
  const schemas = eventSchemas() as Record<string, Schema>;
  const described = Object.keys(schemas).filter((name) => name !== "Event");
  expect(described).toEqual([
    "ForkEvent",
    "ExecEvent",
    "ExitEvent",
    "ProcessEvent",
    "SampleEvent",
    "PageFaultEvent",
    "TotalsEvent",
    "StormEvent",
    "LostEvent",
    "DegradedEvent",
  ]);
  const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(0n));
  view.accept(recordIn(exitRecord({ pid: 7, start_ns: 1n, ts_ns: 9n })));
  const exit = schemas.ExitEvent as unknown as { required: string[]; properties: object };
  const names = Object.keys(JSON.parse(lineOf(view)) as object);
  expect(exit.required.filter((name) => !names.includes(name))).toEqual([]);
  expect(names.filter((name) => !(name in exit.properties))).toEqual([]);
});
