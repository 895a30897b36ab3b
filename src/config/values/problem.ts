import type * as z from "zod/mini";
import { nearest } from "../nearest.ts";
import type { ValueType } from "./value-type.ts";

/** What is wrong with a value, as a clause: from the issue that its schema raised. */
export function problemOf(issue: z.core.$ZodIssue, value: unknown): string {
  // zod checks the length of a list even if the value is no list.
  const isLength = (issue.code === "too_small" || issue.code === "too_big") && Array.isArray(value);
  return issue.code === "custom" || isLength ? issue.message : typeName(value);
}

/**
 * What was expected instead of a value, as a sentence: the nearest choice first.
 * @param ofItem whether the value is one of a list
 */
export function expectation(type: ValueType<unknown>, value: unknown, ofItem: boolean): string {
  const near = typeof value === "string" && ofItem === type.list ? nearest(value, type.choices ?? []) : null;
  const expected = (ofItem ? type.itemExpected : undefined) ?? type.expected;
  return `${near === null ? "" : `did you mean ${near}? `}expected ${expected}`;
}

/** `a boolean`, `a table`: the TOML type of a value. */
export function typeName(value: unknown): string {
  if (typeof value === "bigint") {
    return "a number too big";
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return "not a finite number";
  }
  if (value instanceof Date) {
    return "a date or time";
  }
  if (Array.isArray(value)) {
    return "a list";
  }
  return typeof value === "object" ? "a table" : `a ${typeof value}`;
}
