import parse from "@iarna/toml/parse-string";
import { type LinnixError, usageError } from "../errors.ts";
import { quote } from "./units.ts";

/** Letters on either side of where the parser stopped that are looked at: a longer word is none of anybody's settings. */
const MAX_WORD = 100;

/** Where the parser stopped, counted from 0: at the letter after the one that it could not take. */
interface Place {
  line: number;
  col: number;
}

/** What the parser says of a text that is not TOML, as an error that names the line and, where it is plain, the mend. */
export function syntaxError(cause: unknown, text: string, path: string): LinnixError {
  const { message } = cause as Error;
  const place = placeOf(cause);
  const last = text.trimEnd().split("\n").length - 1;
  // Something was begun and not ended: the parser names the line after the last one then.
  const isAtEnd = place !== null && place.line > last;
  const line = isAtEnd ? last : (place?.line ?? lineByHalves(text));
  return usageError(
    "config-syntax",
    {
      what: line === null ? path : `${path}:${line + 1}`,
      why: `not TOML: ${isAtEnd ? "it ends too early: " : ""}${problem(message)}`,
      mend: place === null ? undefined : mend(message, text, place),
    },
    { cause },
  );
}

/** Only the parser's own errors tell of the text: the `line` of others is one of a program's source. */
function placeOf(error: unknown): Place | null {
  const { fromTOML, line, col } = error as Partial<Place> & { fromTOML?: boolean };
  return fromTOML === true && line !== undefined && col !== undefined ? { line, col } : null;
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

/** The parser's message without its copy of the text, and with letters where it names their codes. */
function problem(message: string): string {
  const [clause = message] = message.split(/ at row \d+, col /);
  const named = clause
    .replace(/^Unknown character "(\d+)"$/, (_, code) => `unexpected character ${quote(String.fromCodePoint(+code))}`)
    .replace(/^(Unknown escape character): (\d+)$/, (_, what, code) => `${what} ${quote(String.fromCodePoint(+code))}`)
    .replace(/^Can't redefine existing key$/, "this key or table is already there")
    .replace(/^Invalid Datetime$/, "no such date or time");
  return `${named.charAt(0).toLowerCase()}${named.slice(1)}`;
}

/** What most who write it meant: `size = 256KiB`, `redact = yes`, `patterns = ["\S+"]`. */
function mend(message: string, text: string, { line, col }: Place): string | undefined {
  if (message.startsWith("Unknown escape character")) {
    return "in single quotes a backslash stands for itself: '\\S+'";
  }
  const lines = text.split("\n");
  const upTo = [...lines.slice(0, line), (lines[line] ?? "").slice(0, col)].join("\n");
  // The parser may stop anywhere in the word that it cannot take.
  const [begun = ""] = /[\w.:/%+@-]*$/.exec(upTo.slice(-MAX_WORD)) ?? [];
  const [rest = ""] = /^[\w.:/%+@-]*/.exec((lines[line] ?? "").slice(col, col + MAX_WORD)) ?? [];
  const word = begun + rest;
  const head = upTo.slice(0, upTo.length - begun.length).trimEnd();
  const letterBefore = head.at(-1);
  const isValue = letterBefore !== undefined && "=[,".includes(letterBefore);
  if (!isValue || !/^[\w/]/.test(word)) return undefined;
  if (/^(true|false|yes|no|on|off)$/i.test(word)) return `expected true or false, or text in quotes: ${quote(word)}`;
  return `text stands in quotes: ${quote(word)}`;
}
