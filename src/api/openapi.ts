/** The OpenAPI document, made from the route table and the schemas of the answers. */
import * as z from "zod/mini";
import * as answers from "./answers.ts";
import { eventSchemas } from "./event-schemas.ts";
import type { Param } from "./params.ts";
import { PROBLEM_TITLES, type ProblemStatus } from "./problem.ts";
import type { Route } from "./route.ts";

const SCHEMAS = {
  Commands: answers.commands,
  Container: answers.container,
  Gap: answers.gap,
  Graph: answers.graph,
  Group: answers.group,
  Groups: answers.groups,
  Health: answers.health,
  Index: answers.index,
  Problem: answers.problem,
  Process: answers.process,
  Processes: answers.processes,
  Readiness: answers.readiness,
  Status: answers.status,
} as const;

type JsonObject = Record<string, unknown>;

/**
 * Problems that the description lists for every route. Not every route can return all of them: a route without token
 * check never returns 401.
 */
const COMMON: Partial<Record<ProblemStatus, string>> = {
  400: "A parameter or the Host header is invalid, or the request is not HTTP (then the answer has no body).",
  401: "The bearer token is missing or wrong.",
  403: "The request comes from a web page whose origin is not allowed.",
  404: "No such route or process.",
  405: "Only GET and HEAD are answered.",
  411: "The request has a body without Content-Length.",
  413: "The request has a body of more than 4096 bytes (for some methods, the answer has no body).",
  414: "The target of the request is too long.",
  421: "The Host header names another server.",
  429: "The CPU budget for answers is used up.",
  500: "An internal error of linnix. Its log has the details.",
};

/** Status codes that the runtime answers itself, without a body. */
const BY_RUNTIME = {
  431: { description: "The headers are too long." },
  505: { description: "The version of HTTP is not supported." },
};

/** OpenAPI 3.1. */
export function describeApi(version: string, routes: readonly Route[]): JsonObject {
  return {
    openapi: "3.1.0",
    info: {
      title: "linnix",
      version,
      summary: "Every process of a machine, as the kernel reports it",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    paths: Object.fromEntries(routes.map((route) => [route.path, { get: operation(route), head: head(route) }])),
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "Required if linnix has a token." },
      },
      schemas: { ...componentSchemas(), ...eventSchemas() },
    },
  };
}

function operation(route: Route): JsonObject {
  const { operationId, summary, description, gives, problems } = route;
  const content = Object.fromEntries(
    Object.entries(gives).map(([type, name]) => [
      type,
      {
        schema:
          name === "text" ? (type === "application/json" ? { type: "object" } : { type: "string" }) : reference(name),
      },
    ]),
  );
  return {
    operationId,
    summary,
    description,
    parameters: parametersOf(route),
    responses: {
      200: { description: summary, content },
      ...problemResponses({ ...COMMON, ...problems }),
      ...BY_RUNTIME,
    },
    ...(route.open ? { security: [{}] } : {}),
  };
}

function head(route: Route): JsonObject {
  return {
    operationId: route.operationId.replace(/^(get|list|follow)/, "head"),
    summary: `The headers of ${route.path}`,
    parameters: parametersOf(route),
    responses: { 200: { description: route.summary }, ...withoutBody({ ...COMMON, ...route.problems }), ...BY_RUNTIME },
    ...(route.open ? { security: [{}] } : {}),
  };
}

function parametersOf({ path, params, operationId }: Route): JsonObject[] {
  const list = Object.entries(params).map(([name, param]) => queryParameter(name, param));
  if (path.endsWith("{pid}")) {
    list.unshift({ name: "pid", in: "path", required: true, schema: { type: "integer", minimum: 1 } });
  }
  if (operationId.startsWith("follow")) {
    const description = "Id of the last event that the client received.";
    list.push({ name: "Last-Event-ID", in: "header", required: false, description, schema: { type: "string" } });
  }
  return list;
}

function queryParameter(name: string, { description, schema, fallback, kind }: Param): JsonObject {
  const { $schema: _, ...shape } = z.toJSONSchema(schema(), { io: "input" }) as JsonObject;
  return {
    name,
    in: "query",
    required: false,
    description,
    schema: fallback === null ? shape : { ...shape, default: fallback },
    // The request contains a list as one value, with commas between the elements.
    ...(kind === "list" || kind === "integers" ? { style: "form", explode: false } : {}),
  };
}

function withoutBody(problems: Partial<Record<ProblemStatus, string>>): JsonObject {
  return Object.fromEntries(Object.entries(problems).map(([status, description]) => [status, { description }]));
}

function problemResponses(problems: Partial<Record<ProblemStatus, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(problems).map(([status, description]) => [
      status,
      {
        description: description ?? PROBLEM_TITLES[Number(status) as ProblemStatus],
        content: { "application/problem+json": { schema: reference("problem") } },
      },
    ]),
  );
}

function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name.charAt(0).toUpperCase()}${name.slice(1)}` };
}

function componentSchemas(): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === "bigint")
        Object.assign(jsonSchema, { type: "integer", format: "uint64", minimum: 0 });
    },
  }) as { schemas: Record<string, JsonObject> };
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, id: _name, ...schema }]) => [id, schema]),
  );
}
