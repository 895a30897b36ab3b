import parse from "@iarna/toml/parse-string";
import { type LinnixError, usageError } from "../errors.ts";
import { clauseOf, problemAt, type TomlProblem } from "./toml-problem.ts";

/** The position of the character that stopped the parser, from 0. */
interface Place {
  line: number;
  offset: number;
}

/**
 * The text with LF instead of CR LF, because the parser refuses comments that end in CR LF.
 * @throws {LinnixError} for a CR without LF, which the parser would treat as a space
 */
export function withLineFeeds(text: string, path: string): string {
  const plain = text.replaceAll("\r\n", "\n");
  const at = plain.indexOf("\r");
  if (at < 0) return plain;
  const why = "a carriage return without a line feed";
  throw notToml(path, lineAt(plain, at), { why, hint: "lines end with LF, or with CR LF" });
}

/** The error for a text that is not TOML. It names the line, and has a hint if the cause is clear. */
export function syntaxError(cause: unknown, text: string, path: string): LinnixError {
  const { message } = cause as Error;
  const place = placeOf(cause);
  if (place === null) return notToml(path, lineByHalves(text), { why: clauseOf(message) }, cause);
  const problem = problemAt(message, text, place.offset);
  const last = lineAt(text, text.trimEnd().length);
  // If something was begun and not ended, the parser names the line after the last one.
  if (place.line <= last) return notToml(path, place.line, problem, cause);
  return notToml(path, last, { ...problem, why: `it ends too early: ${problem.why}` }, cause);
}

/** @param line from 0 */
function notToml(path: string, line: number | null, { why, hint }: TomlProblem, cause?: unknown): LinnixError {
  const what = line === null ? path : `${path}:${line + 1}`;
  return usageError("config-syntax", { what, why: `not TOML: ${why}`, hint }, { cause });
}

/** The line, from 0, of the character at that offset. */
function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length - 1;
}

/** Only errors of the parser itself have a place in the text. The `line` of other errors is one of a source file. */
function placeOf(error: unknown): Place | null {
  const { fromTOML, line, pos } = error as { fromTOML?: boolean; line?: number; pos?: number };
  return fromTOML === true && line !== undefined && pos !== undefined ? { line, offset: pos - 1 } : null;
}

/**
 * The line, from 0, of an error that does not name its place, such as a date that does not exist. It is the last line
 * of the shortest beginning that has such an error. A shorter beginning has no error, or an error that names its place.
 */
function lineByHalves(text: string): number | null {
  const lines = text.split("\n");
  let good = 0;
  let bad = lines.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (failsNowhere(lines.slice(0, middle).join("\n"))) bad = middle;
    else good = middle;
  }
  return bad === 0 ? null : bad - 1;
}

/** Whether the text has an error that does not name its place. */
function failsNowhere(text: string): boolean {
  try {
    parse(text);
    return false;
  } catch (error) {
    return placeOf(error) === null;
  }
}
