import { ByteRegexp } from "../regexp/byte-regexp.ts";
import { RegexpRefusal } from "../regexp/syntax.ts";

/** Maximum length of a regular expression: far longer than any useful one, and parsing this much costs little. */
const MAX_LENGTH = 500;

/** Why a regular expression cannot be used, as a clause; null if it can. */
export function patternRefusal(text: string): string | null {
  if (text === "") return "empty";
  if (text.length > MAX_LENGTH) return `longer than ${MAX_LENGTH} characters`;
  try {
    new ByteRegexp(text);
    return null;
  } catch (error) {
    if (error instanceof RegexpRefusal) return `no regular expression that can be used: ${error.message}`;
    throw error;
  }
}
