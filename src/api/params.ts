import * as z from "zod/mini";
import { nearest } from "../config/nearest.ts";
import { Problem } from "./problem.ts";

// linnix usually runs as root, so zod must not compile schemas to JavaScript code.
z.config({ jitless: true });

/** One query parameter: how to parse its text, and what values are valid. */
export interface Param<T = unknown> {
  /** Description of the parameter in the OpenAPI document. */
  description: string;
  /** How the text of the query is converted before the schema checks it. A comma separates the parts of a list. */
  kind: "text" | "integer" | "list" | "integers";
  /** Made at its first use, because schemas take memory. */
  schema: () => z.ZodMiniType<T>;
  /** The value if the request does not have the parameter. */
  fallback: T;
}

export type Params = Readonly<Record<string, Param>>;

/** The values of a request's parameters. */
export type Query<P extends Params> = { [Name in keyof P]: P[Name] extends Param<infer T> ? T : never };

const DIGITS = /^\d{1,15}$/;

/**
 * Reads and checks the query of a request.
 * @throws Problem 400 that names the parameter and its valid values
 */
export function readQuery<P extends Params>(search: URLSearchParams, params: P): Query<P> {
  const query: Record<string, unknown> = {};
  for (const [name, { fallback }] of Object.entries(params)) query[name] = fallback;
  const given = new Set<string>();
  for (const [name, text] of search) {
    const param = Object.hasOwn(params, name) ? params[name] : undefined;
    if (!param) throw unknownParameter(name, Object.keys(params));
    if (given.has(name))
      throw new Problem(400, `The parameter ${name} is given more than once.`, {}, { parameter: name });
    given.add(name);
    query[name] = valueFrom(name, text, param);
  }
  return query as Query<P>;
}

function valueFrom(name: string, text: string, param: Param): unknown {
  const result = z.safeParse(param.schema(), parsed(text, param.kind));
  if (result.success) return result.data;
  const why = result.error.issues[0]?.message ?? "not a valid value";
  throw new Problem(400, `The parameter ${name}: ${why}.`, {}, { parameter: name });
}

function parsed(text: string, kind: Param["kind"]): unknown {
  const number = (digits: string) => (DIGITS.test(digits) ? Number(digits) : digits);
  if (kind === "text") return text;
  if (kind === "integer") return number(text);
  const parts = text.split(",");
  return kind === "list" ? parts : parts.map(number);
}

function unknownParameter(name: string, known: readonly string[]): Problem {
  const near = nearest(name, known);
  const hint =
    near !== null
      ? ` Did you mean ${near}?`
      : known.length > 0
        ? ` The parameters are: ${known.join(", ")}.`
        : " This path has no parameters.";
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return new Problem(400, `There is no parameter ${JSON.stringify(shown)} here.${hint}`, {}, { parameter: shown });
}
