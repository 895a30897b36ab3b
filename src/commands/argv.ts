import { nearest } from "../config/nearest.ts";
import { quote } from "../config/units.ts";
import { type LinnixError, usageError } from "../errors.ts";
import type { OptionDef, OptionDefs, ParsedArgs } from "./command.ts";

/**
 * Parses the command line by option definitions: `--name VALUE`, `--name=VALUE`, `-h`, `-hV`, `--`. It does not use
 * node:util's parseArgs, which takes 0.3 MB of memory and accepts most of the words that this function refuses.
 * @param command name of the command for messages: `linnix collect`
 * @param rest whether anything may follow `--`
 * @throws {LinnixError} for an unknown or repeated option, a missing or surplus value, or a surplus word
 */
export function parseArgv(
  argv: readonly string[],
  options: OptionDefs,
  { command, rest }: { command: string; rest: boolean },
): ParsedArgs {
  const words = new Map<string, string[]>();
  const switches = new Set<string>();

  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--") {
      const behind = argv.slice(index + 1);
      if (!rest && behind[0] !== undefined) {
        throw unexpected(behind[0], command);
      }
      const changed = behind.find((part) => part.includes("\ufffd"));
      if (changed !== undefined) {
        throw usageError("not-utf-8", {
          what: `${quote(changed)} after --`,
          why: "not UTF-8, so the command would receive other bytes",
          hint: "put the command into a script, and name the script after --",
        });
      }
      return { words, switches, rest: rest ? behind : null };
    }
    if (!word.startsWith("-") || word === "-") {
      throw surplus(word, argv[index - 1], options, { command, rest });
    }
    const { names, inline } = optionsIn(word);
    for (const given of names) {
      const [name, definition] = definitionOf(given, options) ?? [];
      if (name === undefined || definition === undefined) {
        throw unknownOption(given, options, command);
      }
      if (definition.type === "boolean" && definition.bareValue === undefined) {
        if (inline !== undefined) {
          throw usageError("surplus-value", { what: `${given}=${inline}`, why: "takes no value" });
        }
        switches.add(name);
        continue;
      }
      const value = inline ?? definition.bareValue ?? valueBehind(given, argv[++index], definition);
      const before = words.get(name);
      if (before !== undefined && !definition.multiple) {
        throw usageError("repeated-option", {
          what: `${given} ${quote(value)}`,
          why: `given before, with ${quote(before.join(","))}`,
          hint: "give it once",
        });
      }
      words.set(name, [...(before ?? []), value]);
    }
  }
  return { words, switches, rest: null };
}

/**
 * The options that a word with a leading dash names: one long option, with or without `=VALUE`, or several short ones.
 */
function optionsIn(word: string): { names: string[]; inline?: string } {
  if (!word.startsWith("--")) {
    return { names: [...word.slice(1)].map((letter) => `-${letter}`) };
  }
  const equals = word.indexOf("=", "--n".length);
  return equals < 0 ? { names: [word] } : { names: [word.slice(0, equals)], inline: word.slice(equals + 1) };
}

/** The option with the name `--name` or the alias `-n`. */
function definitionOf(given: string, options: OptionDefs): [name: string, definition: OptionDef] | undefined {
  const isLong = given.startsWith("--");
  return Object.entries(options).find(([name, { alias }]) => (isLong ? `--${name}` : `-${alias}`) === given);
}

/**
 * Returns the word after an option as its value.
 * @throws LinnixError if there is none, or if it looks like an option
 */
function valueBehind(given: string, word: string | undefined, { valueHint = "VALUE" }: OptionDef): string {
  if (word !== undefined && !/^-./.test(word)) {
    return word;
  }
  const hint = `expected ${given} ${valueHint}`;
  throw usageError("missing-value", {
    what: given,
    why: word === undefined ? "needs a value" : `needs a value, but ${word} looks like an option`,
    hint: word === undefined ? hint : `${hint}, or ${given}=${word} if that is the value`,
  });
}

/** The position of the command's name in the command line; -1 if there is none. */
export function commandIndex(argv: readonly string[], globals: OptionDefs): number {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--") {
      return -1;
    }
    if (!word.startsWith("-") || word === "-") {
      return index;
    }
    if (word.startsWith("--") && Object.hasOwn(globals, word.slice(2)) && globals[word.slice(2)]?.type === "string") {
      index++;
    }
  }
  return -1;
}

/**
 * The error for a word that is not an option. The user may have meant it as the value of the option before it, if that
 * option takes a value only after `=`. Or the word may begin a command without `--`.
 */
function surplus(
  word: string,
  before: string | undefined,
  options: OptionDefs,
  { command, rest }: { command: string; rest: boolean },
): LinnixError {
  const [, definition] = definitionOf(before ?? "", options) ?? [];
  if (definition?.bareValue !== undefined) {
    return unexpected(word, command, { hint: `if it is the value of ${before}: ${before}=${word}` });
  }
  if (!rest) return unexpected(word, command);
  const hint = `write -- before a command: ${command} -- COMMAND; see ${command} --help`;
  return unexpected(word, command, { takes: "options, and a command only after --", hint });
}

function unexpected(
  word: string,
  command: string,
  { takes = "options only", hint = `see ${command} --help` } = {},
): LinnixError {
  return usageError("surplus-argument", {
    what: `unexpected argument ${quote(word)}`,
    why: `${command} takes ${takes}`,
    hint,
  });
}

function unknownOption(option: string, options: OptionDefs, command: string): LinnixError {
  const near = option.startsWith("--") ? nearest(option.slice(2), Object.keys(options)) : null;
  const before = command === "linnix" ? "; options of a command follow its name" : "";
  return usageError("unknown-option", {
    what: `unknown option ${quote(option).slice(1, -1)}`,
    hint: near === null ? `see ${command} --help${before}` : `did you mean --${near}? see ${command} --help`,
  });
}
