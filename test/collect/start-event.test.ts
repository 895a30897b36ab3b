import { expect, test } from "bun:test";
import { hostname, release } from "node:os";
import { startEvent } from "../../src/collect/start-event.ts";
import type { CollectConfig } from "../../src/config/schema.ts";
import type { Backend } from "../../src/probes/backend.ts";
import { JsonlSink } from "../../src/sinks/jsonl.ts";
import { VERSION } from "../../src/version.ts";
import { fieldsOf } from "../../src/wire/fields.ts";
import { outputText } from "../sinks/output-text.ts";
import { parseEvent } from "../wire/parse-event.ts";

const BACKEND = { name: "btf", missingFields: ["auid"] } as const as unknown as Backend;

function configOf(cgroup: CollectConfig["filters"]["cgroup"]): CollectConfig {
  const filters = { pids: [1], uids: [0], comms: ["x"], cgroup, minDurationNs: 5 };
  return { probes: { events: ["fork", "exit"], detail: "events" }, filters } as unknown as CollectConfig;
}

test("the start line has every field of the table, in its order", () => {
  const event = startEvent(BACKEND, configOf({ path: "/a" }));
  expect(Object.keys(event)).toEqual(["type", ...fieldsOf("start").map(({ name }) => name)]);
  expect(event).toMatchObject({
    schema: "linnix.events/1",
    version: VERSION,
    hostname: hostname(),
    kernel: release(),
    backend: "btf",
    detail: "events",
    filters: { events: ["fork", "exit"], pids: [1], uids: [0], comms: ["x"], cgroup: "/a", min_duration_ns: 5 },
    missing_fields: ["auid"],
  });
  expect(event.boot_id).toMatch(/^[0-9a-f-]{36}$/);
});

test("the start line of a cgroup's id is written exactly", () => {
  const event = startEvent(BACKEND, configOf({ id: 2n ** 60n + 1n }));
  const text = outputText((output) => {
    const sink = new JsonlSink(output);
    sink.start(event);
    sink.flush();
  });
  expect(text).toContain(`"cgroup":${2n ** 60n + 1n}`);
  expect(parseEvent(text).type).toBe("start");
});
