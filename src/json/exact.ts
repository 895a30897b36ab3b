import { escapeControls } from "./byte-writer.ts";

/** As a number of JSON, digit by digit: `JSON.rawJSON` of ECMAScript 2026, which the type library does not have yet. */
const exact = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** JSON in which a bigint is an integer, printed exactly, and no control character stands as it is. */
export function toJson(value: unknown): string {
  return escapeControls(
    JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? exact(String(item)) : item)),
  );
}
