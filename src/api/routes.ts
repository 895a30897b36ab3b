import * as z from "zod/mini";
import { readDurationNs } from "../config/units.ts";
import { jsonText } from "../json/byte-writer.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import { shortfalls } from "../wire/shortfalls.ts";
import { qualityOf } from "./accept.ts";
import type * as answers from "./answers.ts";
import { MAX_WINDOW_NS } from "./commands.ts";
import { EVENT_TYPES, isSentAt } from "./event-types.ts";
import { GROUPS_ROUTE } from "./group-answers.ts";
import { renderMetrics } from "./metrics.ts";
import { readOwnMemory } from "./own-memory.ts";
import { type Param, type Params, type Query, readQuery } from "./params.ts";
import { Problem } from "./problem.ts";
import { rounded } from "./rounded.ts";
import type { Answer, ApiContext, Route } from "./route.ts";
import type { ApiSource, Facts, ProcessSort } from "./source.ts";

const JSON_TYPE = "application/json";
const MAX_LISTED = 10_000;
const MAX_COMMANDS = 1000;
const LEAST_WINDOW_NS = 10e9;
/** A problem of routes with long answers: see under-way.ts. */
const UNREAD = { 429: "Answers that clients have not read yet take too much memory." };
/** Without this header, nginx delays events until its buffer is full. */
const STREAM_HEADERS = { "X-Accel-Buffering": "no" };

function param<T>(kind: Param["kind"], description: string, fallback: T, make: () => z.ZodMiniType<T>): Param<T> {
  let made: z.ZodMiniType<T> | undefined;
  const schema = () => {
    made ??= make();
    return made;
  };
  return { kind, description, fallback, schema };
}

const text = (name: string, maxLength: number) => () =>
  z
    .string()
    .check(
      z.minLength(1, `${name} is empty`),
      z.maxLength(maxLength, `longer than ${maxLength} characters`),
    ) as z.ZodMiniType<string | null>;

const PROCESSES_PARAMS = {
  sort: param<ProcessSort>("text", "Order: most CPU, most memory, or the latest start first.", "cpu", () =>
    z.enum(["cpu", "rss", "start"], "expected cpu, rss or start"),
  ),
  limit: param<number>(
    "integer",
    "Maximum number of processes in the answer. `matched` is the number of all processes that match.",
    1000,
    () =>
      z
        .int(`expected a whole number from 1 to ${MAX_LISTED}`)
        .check(z.minimum(1, "less than 1"), z.maximum(MAX_LISTED, `more than ${MAX_LISTED}`)),
  ),
  user: param<string | null>(
    "text",
    "Only processes with this real or effective user: a name or a uid.",
    null,
    text("a user", 256),
  ),
  cgroup: param<string | null>(
    "text",
    "Only processes in this cgroup or below it: a path.",
    null,
    () =>
      z
        .string()
        .check(
          z.regex(/^\//, "expected a path that begins with /"),
          z.maxLength(4096, "longer than 4096 characters"),
        ) as unknown as z.ZodMiniType<string | null>,
  ),
  comm: param<string | null>("text", "Only processes of this name.", null, text("a name", 64)),
} satisfies Params;

const STATUS_PARAMS = {
  history: param<"true" | "false">(
    "text",
    "Whether `history` contains its entries. With `false` the list is empty.",
    "true",
    () => z.enum(["true", "false"], "expected true or false"),
  ),
} satisfies Params;

const COMMANDS_PARAMS = {
  window: param<string>(
    "text",
    "The time before the request that the figures cover: a duration from 10s to 10m.",
    "60s",
    () =>
      z.string().check(
        z.regex(/^[\d.]+[a-zµ]+$/, "expected a duration, such as 60s"),
        z.refine((given) => windowNs(given) >= LEAST_WINDOW_NS && windowNs(given) <= MAX_WINDOW_NS, {
          error: "expected a duration from 10s to 10m",
        }),
      ) as z.ZodMiniType<string>,
  ),
  limit: param<number>(
    "integer",
    "Maximum number of commands in the answer. `matched` is the number of all commands.",
    100,
    () =>
      z
        .int(`expected a whole number from 1 to ${MAX_COMMANDS}`)
        .check(z.minimum(1, "less than 1"), z.maximum(MAX_COMMANDS, `more than ${MAX_COMMANDS}`)),
  ),
} satisfies Params;

const STREAM_PARAMS = {
  types: param<string[] | null>(
    "list",
    "Only events of these types, separated by commas.",
    null,
    () =>
      z
        .array(z.enum(EVENT_TYPES, `expected one of ${EVENT_TYPES.join(", ")}`))
        .check(z.minLength(1), z.maxLength(EVENT_TYPES.length, "too many types")) as unknown as z.ZodMiniType<
        string[] | null
      >,
  ),
  pid: param<number[] | null>(
    "integers",
    "Only events of these processes, separated by commas.",
    null,
    () =>
      z
        .array(
          z
            .int("expected whole numbers")
            .check(z.minimum(1, "no pid is less than 1"), z.maximum(4_194_304, "no pid is that large")),
        )
        .check(z.minLength(1), z.maxLength(64, "more than 64 pids")) as unknown as z.ZodMiniType<number[] | null>,
  ),
  comm: param<string | null>("text", "Only events of processes of this name.", null, text("a name", 64)),
} satisfies Params;

export const ROUTES: readonly Route[] = [
  {
    path: "/",
    operationId: "getIndex",
    summary: "The live page, or the routes as JSON",
    description:
      "`Accept` decides: a browser receives the page, other clients the list of the routes. No token required, because neither contains data. The page asks the user for the token.",
    params: {},
    open: true,
    gives: { [JSON_TYPE]: "index", "text/html": "text" },
    problems: {},
    handle: async ({ context, request, search }) => {
      readQuery(search, {});
      const { PAGE, PAGE_HEADERS, prefersHtml } = await import("./index-page.ts");
      const headers = { Vary: "Accept" };
      if (prefersHtml(request.headers.get("accept"))) {
        return { body: PAGE, type: "text/html; charset=utf-8", headers: { ...headers, ...PAGE_HEADERS } };
      }
      const routes = ROUTES.map(({ path, summary }) => ({ path, summary }));
      return { ...json({ name: "linnix", version: context.version, routes }), headers };
    },
  },
  {
    path: "/healthz",
    operationId: "getHealth",
    summary: "Whether the process is alive",
    description: "Returns 200 while the process can serve requests. No token required.",
    params: {},
    open: true,
    isProbe: true,
    gives: { [JSON_TYPE]: "health" },
    problems: {},
    handle: ({ context, search }) => {
      readQuery(search, {});
      return json({ status: "alive", version: context.version });
    },
  },
  {
    path: "/readyz",
    operationId: "getReadiness",
    summary: "Whether events are collected, and what is missing",
    description:
      "Returns 503 while no events are collected, otherwise 200. If the collector sees less than it promises, `status` is `degraded` and `reasons` lists the causes.",
    params: {},
    isProbe: true,
    gives: { [JSON_TYPE]: "readiness" },
    problems: { 503: "Not attached: no events are collected." },
    handle: ({ context, search }) => {
      readQuery(search, {});
      const facts = context.source.facts();
      const { collecting, backend, missingFields: missing_fields } = facts;
      if (collecting !== true) {
        const reasons = [`${collecting}: no events are collected`];
        throw new Problem(503, `${reasons[0]}.`, {}, { reasons, backend, missing_fields });
      }
      const reasons = degradations(facts);
      const status = reasons.length > 0 ? "degraded" : "ready";
      return json({ status, reasons, backend, sampling: facts.sampling?.source ?? null, missing_fields });
    },
  },
  {
    path: "/status",
    operationId: "getStatus",
    summary: "State, losses and cost of the collector",
    description: "Percentages are of one core, over the last seconds.",
    params: STATUS_PARAMS,
    gives: { [JSON_TYPE]: "status" },
    problems: {},
    handle: ({ context, search }) => {
      const { history }: Query<typeof STATUS_PARAMS> = readQuery(search, STATUS_PARAMS);
      context.source.refresh();
      const status = statusOf(context);
      return json(history === "true" ? status : { ...status, history: [] });
    },
  },
  {
    path: "/processes",
    operationId: "listProcesses",
    summary: "The live processes",
    description: "Processes with the highest value of `sort` come first, processes with an unknown value last.",
    params: PROCESSES_PARAMS,
    gives: { [JSON_TYPE]: "processes" },
    problems: UNREAD,
    handle: ({ context, search }) => {
      const query: Query<typeof PROCESSES_PARAMS> = readQuery(search, PROCESSES_PARAMS);
      const { source, cache } = context;
      const key = JSON.stringify(query);
      source.refresh();
      const kept = cache.get(key, source.generation);
      if (kept) return { body: kept, type: JSON_TYPE, isKept: true };
      const body = source.processes(query);
      return { body, type: JSON_TYPE, isKept: cache.set(key, source.generation, body) };
    },
  },
  {
    path: "/processes/{pid}",
    operationId: "getProcess",
    summary: "One process",
    description:
      "The newest process with that pid, also for a while after its exit. The pid is the one in the initial pid namespace, even for a process in a container.",
    params: {},
    gives: { [JSON_TYPE]: "process" },
    problems: { 404: "No process with that pid: it never existed, or its retention time has passed." },
    handle: ({ context, search, pid }) => {
      readQuery(search, {});
      return {
        body: found(context.source, (source) => source.process(pidOf(pid))) ?? unknownPid(pid),
        type: JSON_TYPE,
      };
    },
  },
  {
    path: "/graph/{pid}",
    operationId: "getGraph",
    summary: "One process, its ancestors and its descendants",
    description: "Ancestors (the parent first) and descendants (by generation), at most 1000 of each.",
    params: {},
    gives: { [JSON_TYPE]: "graph" },
    problems: { 404: "No process with that pid: it never existed, or its retention time has passed.", ...UNREAD },
    handle: ({ context, search, pid }) => {
      readQuery(search, {});
      return { body: found(context.source, (source) => source.graph(pidOf(pid))) ?? unknownPid(pid), type: JSON_TYPE };
    },
  },
  {
    path: "/commands",
    operationId: "listCommands",
    summary: "Recent starts and ends of processes, by command",
    description:
      "Commands with the highest CPU time come first. `short_lived` counts the processes that started and ended within " +
      "the window; CPU time, memory, failures and lifetime cover only these processes. Counting begins with the first " +
      "request and stops after ten minutes without a request. `covered_s` is the time that the figures cover.",
    params: COMMANDS_PARAMS,
    gives: { [JSON_TYPE]: "commands" },
    problems: { 409: "The level of detail is `summary`: single processes are not reported." },
    handle: ({ context, search }) => {
      const { window, limit }: Query<typeof COMMANDS_PARAMS> = readQuery(search, COMMANDS_PARAMS);
      const { source, commands } = context;
      const { reported } = source;
      if (reported.detail === "summary") {
        const detail =
          "At the level of detail summary, single processes are not reported. /events?types=totals has sums by command.";
        throw new Problem(409, detail, {}, { levels: [reported.detail] });
      }
      source.refresh();
      return json(commands.answer(windowNs(window), limit, reported));
    },
  },
  streamRoute("/events", "followEvents", "Live events, as server-sent events"),
  streamRoute("/stream", "followStream", "The same as /events"),
  GROUPS_ROUTE,
  {
    path: "/metrics",
    operationId: "getMetrics",
    summary: "Metrics in the text format of Prometheus, or in OpenMetrics",
    description: "The format is OpenMetrics if `Accept` prefers it. Counters begin at 0 when linnix starts.",
    params: {},
    gives: { "text/plain": "text", "application/openmetrics-text": "text" },
    problems: {},
    scarce: ({ request, search }) => (search.size > 0 ? undefined : String(wantsOpenMetrics(request))),
    handle: ({ context, request, search }) => {
      readQuery(search, {});
      context.source.refresh();
      const { version, source, stream, requests } = context;
      const isOpen = wantsOpenMetrics(request);
      const input = {
        version,
        facts: source.facts(),
        groups: source.groups(),
        stream,
        requests,
        connections: context.connections(),
      };
      const text = renderMetrics(input, isOpen ? "openmetrics" : "prometheus");
      return { body: String(text), type: text.contentType, headers: { Vary: "Accept" } };
    },
  },
  {
    path: "/openapi.json",
    operationId: "getDescription",
    summary: "The description of this API",
    description: "OpenAPI 3.1.",
    params: {},
    gives: { [JSON_TYPE]: "text" },
    problems: {},
    handle: async ({ context, search }) => {
      readQuery(search, {});
      const { describeApi } = await import("./openapi.ts");
      return json(describeApi(context.version, ROUTES));
    },
  },
];

function windowNs(text: string): number {
  return readDurationNs(text) ?? Number.NaN;
}

function wantsOpenMetrics(request: Request): boolean {
  const accept = request.headers.get("accept");
  return qualityOf("application/openmetrics-text", accept) > qualityOf("text/plain", accept);
}

function streamRoute(path: string, operationId: string, summary: string): Route {
  return {
    path,
    operationId,
    summary,
    description:
      "Each server-sent event has an id, the event's type as its name, and its JSON Lines object as data. With " +
      "`Last-Event-ID` the server first sends the events after the event with that id. `event: gap` reports missing events. The " +
      "filters `pid` and `comm` do not apply to events about the whole stream (storm, lost, degraded, summary).",
    params: STREAM_PARAMS,
    gives: { "text/event-stream": "text" },
    isStream: true,
    problems: {
      409: "The level of detail sends no events of a requested type.",
      429: "The maximum number of event clients is connected, in total or for this client.",
    },
    handle: ({ context, request, search, cutOff, place }) => {
      const query: Query<typeof STREAM_PARAMS> = readQuery(search, STREAM_PARAMS);
      const type = "text/event-stream";
      checkTypes(query, context.source.levels);
      if (request.method === "HEAD") return { body: null, type, headers: STREAM_HEADERS };
      const taken = place();
      if (!taken) {
        context.stream.refuse();
        const detail = "This account or address already has its maximum number of event streams.";
        throw new Problem(429, detail, { "Retry-After": "5" });
      }
      const body = context.stream.open(query, request.headers.get("last-event-id"), cutOff, taken.leave);
      if (body) return { body, type, headers: STREAM_HEADERS };
      taken.leave();
      const detail = `The maximum number of event clients (${context.stream.maxClients}) is already connected.`;
      throw new Problem(429, detail, { "Retry-After": "5" });
    },
  };
}

/** @throws Problem if a requested type of event can never occur */
function checkTypes({ types, pid }: Query<typeof STREAM_PARAMS>, levels: ReadonlySet<DetailLevel>): void {
  if (pid !== null && types?.includes("totals")) {
    throw new Problem(400, "Totals are sums by cgroup and name and have no pid. Filter them by comm.");
  }
  const never = types?.filter((type) => !isSentAt(levels, type)) ?? [];
  if (never.length === 0) return;
  const detail = `The level of detail ${[...levels].join(", ")} sends no events of type ${never.join(", ")}.`;
  throw new Problem(409, detail, {}, { levels: [...levels] });
}

function json(value: unknown): Answer {
  return { body: `${jsonText(value)}\n`, type: JSON_TYPE };
}

function pidOf(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Problem(400, "A pid is a whole number above 0.", {}, { parameter: "pid" });
  return Number(text);
}

/** If the process is not found, reads the rings and looks again: it may have started since they were last read. */
function found(
  source: ApiSource,
  look: (source: ApiSource) => Uint8Array<ArrayBuffer> | null,
): Uint8Array<ArrayBuffer> | null {
  source.refresh();
  const body = look(source);
  if (body !== null) return body;
  source.refresh("at once");
  return look(source);
}

function unknownPid(pid: string): never {
  throw new Problem(404, `No process ${pid}: it never existed, or its retention time has passed.`);
}

/** Reasons why the collector sees less than it promises, each one clause. */
function degradations({ backend, missingFields, sampling, budget, conditions }: Facts): string[] {
  const reasons = [...conditions.values()];
  if (sampling?.source === "proc")
    reasons.push("samples are read from /proc, because the kernel has no task iterator or refuses it");
  return reasons.concat(shortfalls(backend, missingFields, budget?.step));
}

function statusOf({ version, source, stream }: ApiContext): answers.Status {
  const facts = source.facts();
  const memory = readOwnMemory();
  return {
    version,
    started: new Date(facts.startedMs).toISOString(),
    uptime_s: Math.round(facts.uptimeMs) / 1000,
    backend: facts.backend,
    detail: facts.detail,
    missing_fields: [...facts.missingFields],
    sampling: facts.sampling && { source: facts.sampling.source, interval_ms: facts.sampling.intervalMs },
    ...facts.counters,
    events_per_second: rounded(facts.eventsPerSecond, 1),
    history: [...facts.history],
    processes: { live: facts.live, lingering: facts.lingering, lost_exits: facts.lostExits },
    cost: {
      cpu_pct: rounded(facts.cpuPct, 3),
      in_kernel_cpu_pct: rounded(facts.inKernelCpuPct, 3),
      user_cpu_s: facts.userCpuS,
      system_cpu_s: facts.systemCpuS,
    },
    memory: {
      rss_bytes: memory.rssBytes,
      anon_bytes: memory.anonBytes,
      file_bytes: memory.fileBytes,
      table_bytes: facts.tableBytes,
    },
    budget: facts.budget && {
      level: facts.budget.level,
      step: facts.budget.step,
      cost_pct: rounded(facts.budget.costPct, 3),
      budget_pct: facts.budget.budgetPct,
    },
    api: {
      clients: stream.clients,
      max_clients: stream.maxClients,
      sent: stream.totals.sent,
      missed: stream.totals.missed,
      history: stream.history,
    },
  };
}
