import { EVENT_TYPE_NAMES, fieldsOf } from "../../src/wire/fields.ts";

/** Fields that are a bigint in TypeScript: numbers that can exceed 2^53, and numbers computed with them. */
const EXACT = new Set(
  EVENT_TYPE_NAMES.flatMap(fieldsOf)
    .filter(({ kind, ts }) => kind === "u64" && ts === undefined)
    .map(({ name }) => name),
);

type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;

const exactly: Reviver = (key, value, context) =>
  typeof value === "number" && EXACT.has(key) ? BigInt(context.source) : value;

/** One line of JSON, with bigint where the contract promises exactness. @throws SyntaxError */
export function parseEvent(line: string): { type: string } {
  return JSON.parse(line, exactly as Parameters<typeof JSON.parse>[1]) as { type: string };
}
