import parse from "@iarna/toml/parse-string";
import { type LinnixError, usageError } from "../errors.ts";
import { clauseOf, problemAt, type TomlProblem } from "./toml-problem.ts";

/** The position of the character that stopped the parser, from 0. */
interface Place {
  line: number;
  offset: number;
}

/**
 * The text with line feeds alone at the ends of its lines: the parser refuses comments that end in CR LF, and takes a
 * CR that ends nothing for a space.
 * @throws {LinnixError} for such a CR
 */
export function withLineFeeds(text: string, path: string): string {
  const plain = text.replaceAll("\r\n", "\n");
  const at = plain.indexOf("\r");
  if (at < 0) return plain;
  const why = "a carriage return without a line feed";
  throw notToml(path, lineAt(plain, at), { why, hint: "lines end with LF, or with CR LF" });
}

/** What the parser says of a text that is not TOML, as an error that names the line and gives a hint where the cause is plain. */
export function syntaxError(cause: unknown, text: string, path: string): LinnixError {
  const { message } = cause as Error;
  const place = placeOf(cause);
  if (place === null) return notToml(path, lineByHalves(text), { why: clauseOf(message) }, cause);
  const problem = problemAt(message, text, place.offset);
  const last = lineAt(text, text.trimEnd().length);
  // Something was begun and not ended: the parser names the line after the last one then.
  if (place.line <= last) return notToml(path, place.line, problem, cause);
  return notToml(path, last, { ...problem, why: `it ends too early: ${problem.why}` }, cause);
}

/** @param line from 0 */
function notToml(path: string, line: number | null, { why, hint }: TomlProblem, cause?: unknown): LinnixError {
  const what = line === null ? path : `${path}:${line + 1}`;
  return usageError("config-syntax", { what, why: `not TOML: ${why}`, hint }, { cause });
}

/** The line, from 0, of a letter. */
function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length - 1;
}

/** Only errors of the parser itself have a place in the text. The `line` of other errors is one of a source file. */
function placeOf(error: unknown): Place | null {
  const { fromTOML, line, pos } = error as { fromTOML?: boolean; line?: number; pos?: number };
  return fromTOML === true && line !== undefined && pos !== undefined ? { line, offset: pos - 1 } : null;
}

/**
 * The line of an error that does not name its place, as of a date that is none: the last one of the shortest beginning
 * that has the same error. What is cut off earlier has none, or one that names its place.
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

function failsNowhere(text: string): boolean {
  try {
    parse(text);
    return false;
  } catch (error) {
    return placeOf(error) === null;
  }
}
