import { repeatedKey } from "./key-lines.ts";
import { keyName } from "./key-name.ts";
import { quote } from "./units.ts";

/**
 * Number of characters that are searched on each side of the place where the parser stopped. No setting has a longer
 * word.
 */
const MAX_WORD = 100;

/** What is wrong with a document, as a clause, with a hint if the cause is clear. */
export interface TomlProblem {
  why: string;
  hint?: string | undefined;
}

/**
 * What is wrong at the place where the parser stopped.
 * @param message the message of the parser
 * @param offset of the character that the parser refused
 */
export function problemAt(message: string, text: string, offset: number): TomlProblem {
  const before = text.slice(0, offset);
  if (/^Can't (redefine|extend)/.test(message)) return repetition(before);
  const why = clauseOf(message);
  if (message.startsWith("Unknown escape character")) {
    return { why, hint: "in single quotes a backslash stands for itself: '\\S+'" };
  }
  const [, name] = /^[ \t]*\[+([^\]#=]*)/.exec(before.slice(before.lastIndexOf("\n") + 1)) ?? [];
  if (name !== undefined) return headProblem(name, text.slice(offset), why);
  return valueProblem(before, text.slice(offset, offset + MAX_WORD), why);
}

/** The parser's message without its copy of the text, and with characters instead of their codes. */
export function clauseOf(message: string): string {
  const [clause = message] = message.split(/ at row \d+, col /);
  const named = clause
    .replace(/^Unknown character "(\d+)"$/, (_, code) => `unexpected character ${quote(String.fromCodePoint(+code))}`)
    .replace(/^(Unknown escape character): (\d+)$/, (_, what, code) => `${what} ${quote(String.fromCodePoint(+code))}`)
    // The parser reads everything that begins with a zero and another digit as a date.
    .replace(/^Expected .* while parsing year part of (a )?date$/, "neither a number nor a date")
    .replace(/^Invalid Datetime$/, "no such date or time");
  return `${named.charAt(0).toLowerCase()}${named.slice(1)}`;
}

function repetition(before: string): TomlProblem {
  const { path, isTable, line } = repeatedKey(before);
  const name = isTable ? `[${keyName(path)}]` : keyName(path);
  return { why: `${name} is already there${line === null ? "" : `, in line ${line}`}` };
}

/** What is wrong with the head of a table, such as `[ring`. The parser's message is about the character after it. */
function headProblem(name: string, after: string, why: string): TomlProblem {
  if (!/^[ \t]*(#|\n|$)/.test(after)) return { why };
  const isWord = /^[\w.-]+$/.test(name.trim()) && name.length <= MAX_WORD;
  return { why: "the name of a table ends with ]", hint: isWord ? `expected [${name.trim()}]` : undefined };
}

/** What is wrong with a value, with a hint for frequent mistakes: `size = 256KiB`, `redact = yes`, `cpu = 00.5`. */
function valueProblem(before: string, after: string, why: string): TomlProblem {
  // The parser may stop anywhere in the word that it refuses.
  const [begun = ""] = /[\w.:/%+@-]*$/.exec(before.slice(-MAX_WORD)) ?? [];
  const [rest = ""] = /^[\w.:/%+@-]*/.exec(after) ?? [];
  const word = begun + rest;
  const letterBefore = before
    .slice(0, before.length - begun.length)
    .trimEnd()
    .at(-1);
  const isValue = letterBefore !== undefined && "=[,".includes(letterBefore);
  if (!isValue) return { why };
  if (/^[+-]?0\d+(\.\d+)?$/.test(word)) {
    return { why: "a number with a zero before it", hint: `expected ${word.replace(/0+(?=\d)/, "")}` };
  }
  if (!/^[\w/]/.test(word)) return { why };
  if (/^(true|false|yes|no|on|off)$/i.test(word)) {
    return { why, hint: `expected true or false, or text in quotes: ${quote(word)}` };
  }
  return { why, hint: `text stands in quotes: ${quote(word)}` };
}
