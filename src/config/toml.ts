import parse from "@iarna/toml/parse-string";
import * as z from "zod/mini";
import { usageError } from "../errors.ts";
import { locateKeys } from "./key-lines.ts";
import { keyName } from "./key-name.ts";
import { nearest } from "./nearest.ts";
import { type AnySection, SECTION_LIST } from "./schema.ts";
import type { Key } from "./section.ts";
import { syntaxError, withLineFeeds } from "./toml-syntax.ts";
import { quote } from "./units.ts";
import { expectation, problemOf, typeName } from "./values.ts";

/** One valid setting of a file. */
export interface FileSetting {
  /** Name of the table. */
  section: string;
  /** Name of the property in the settings. */
  property: string;
  value: unknown;
  /** Line in the file, from 1. */
  line: number | null;
}

/**
 * Settings of a TOML document.
 * @param path name of the document in errors
 * @throws {LinnixError} for the first error in it: syntax, unknown key, type, value
 */
export function parseToml(given: string, path: string): FileSetting[] {
  const text = withLineFeeds(given, path);
  const document = parseDocument(text, path);
  const result = documentSchema().safeParse(document);
  if (!result.success) {
    throw firstProblem(result.error.issues, document, text, path);
  }
  return settingsIn(result.data as Record<string, Record<string, unknown> | undefined>, text);
}

function parseDocument(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    throw syntaxError(error, text, path);
  }
}

function documentSchema() {
  const tables = SECTION_LIST.map(([name, section]) => {
    const keys = Object.values(section.keys).map((key) => [key.toml, z.optional(key.type.schema())]);
    return [name, z.optional(z.strictObject(Object.fromEntries(keys)))];
  });
  return z.strictObject(Object.fromEntries(tables) as Record<string, z.ZodMiniType>);
}

function settingsIn(data: Record<string, Record<string, unknown> | undefined>, text: string): FileSetting[] {
  const lines = locateKeys(text);
  return SECTION_LIST.flatMap(([name, section]) =>
    Object.entries(section.keys).flatMap(([property, key]) => {
      const value = data[name]?.[key.toml];
      return value === undefined ? [] : [{ section: name, property, value, line: lines.find([name, key.toml]) }];
    }),
  );
}

interface Problem {
  issue: z.core.$ZodIssue;
  keyPath: PropertyKey[];
}

/** The first problem in the file, as an error. */
function firstProblem(issues: z.core.$ZodIssue[], document: unknown, text: string, path: string): Error {
  const lines = locateKeys(text);
  const problems = issues.flatMap((issue): Problem[] =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ issue, keyPath: [...issue.path, key] }))
      : [{ issue, keyPath: issue.path }],
  );
  const placed = problems.map((problem) => ({ ...problem, line: lines.find(problem.keyPath) }));
  placed.sort((one, other) => (one.line ?? 0) - (other.line ?? 0));
  const [first] = placed;
  if (first === undefined) {
    return usageError("config", { what: path, why: "not a configuration of linnix" });
  }
  const place = first.line === null ? path : `${path}:${first.line}`;
  if (first.issue.code === "unrecognized_keys") {
    return unknownKey(place, first.keyPath.map(String));
  }
  return wrongValue(place, first.keyPath, first.issue, document);
}

function unknownKey(place: string, keyPath: readonly string[]): Error {
  const suggestion = nearestKey(keyPath);
  const table = sectionNamed(keyPath[0]);
  const known = table ? Object.values(table.keys).map((key) => key.toml) : SECTION_LIST.map(([n]) => `[${n}]`);
  return usageError("config-key", {
    what: `${place}: ${keyName(keyPath)}`,
    why: table ? `unknown key of [${keyPath[0]}]` : keyPath.length > 1 ? "unknown key" : "unknown key or table",
    hint: suggestion ? `did you mean ${suggestion}?` : `known here: ${known.join(", ")}`,
  });
}

/** The most similar known key, by its name in this table, its full name or its option: `ring.size` for `ring_size`. */
function nearestKey(keyPath: readonly string[]): string | null {
  const last = keyPath.at(-1) ?? "";
  const byName = new Map<string, string>();
  for (const [name, section] of SECTION_LIST) {
    if (keyPath.length === 1) {
      byName.set(name, `[${name}]`);
    }
    for (const key of Object.values(section.keys)) {
      byName.set(key.flag, `${name}.${key.toml}`);
      byName.set(`${name}.${key.toml}`, `${name}.${key.toml}`);
    }
  }
  const table = sectionNamed(keyPath[0]);
  const sibling = nearest(last, table ? Object.values(table.keys).map((key) => key.toml) : []);
  if (sibling !== null) {
    return `${keyPath[0]}.${sibling}`;
  }
  const other = nearest(keyPath.join("."), byName.keys()) ?? nearest(last, byName.keys());
  return other === null ? null : (byName.get(other) ?? null);
}

function wrongValue(place: string, keyPath: readonly PropertyKey[], issue: z.core.$ZodIssue, document: unknown): Error {
  const [table, name, ...rest] = keyPath.map(String);
  const section = sectionNamed(table) as AnySection;
  const value = keyPath.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown>)?.[part], document);
  if (name === undefined) {
    return usageError("config-type", { what: `${place}: ${table}`, why: `${typeName(value)}, not a table [${table}]` });
  }
  const key = Object.values(section.keys).find(({ toml }) => toml === name) as Key<unknown>;
  const element = rest.length > 0 ? `[${rest.join("][")}]` : "";
  return usageError("config-value", {
    what: `${place}: ${table}.${name}${element}${shown(value)}`,
    why: problemOf(issue, value),
    hint: expectation(key.type, value, rest.length > 0),
  });
}

function sectionNamed(name: string | undefined): AnySection | undefined {
  return SECTION_LIST.find(([known]) => known === name)?.[1];
}

/**
 * ` = VALUE` if it is short and as in the file. A bigint may be wrong, because the parser wraps a larger one around.
 */
function shown(value: unknown): string {
  if (typeof value === "string") {
    return ` = ${quote(value)}`;
  }
  return typeof value === "number" || typeof value === "boolean" ? ` = ${value}` : "";
}
