import { parseArgs } from "node:util";
import { nearest } from "../config/nearest.ts";
import { quote } from "../config/units.ts";
import { type LinnixError, usageError } from "../errors.ts";
import type { OptionDefs, ParsedArgs } from "./command.ts";

/**
 * Checks words of the command line against option definitions. Node's parser finds the words' roles; what it lets
 * pass in its tolerant mode is refused here, where the message can name the nearest option.
 * @param command how the command is called, for messages: `linnix collect`
 * @param rest whether anything may follow `--`
 * @throws {LinnixError} for an unknown option, one without its value or with one too many, a surplus word
 */
export function parseArgv(
  argv: readonly string[],
  options: OptionDefs,
  { command, rest }: { command: string; rest: boolean },
): ParsedArgs {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, alias }]) => [name, { type, ...(alias && { short: alias }) }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words = new Map<string, string[]>();
  const switches = new Set<string>();
  let restFrom: number | null = null;

  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      if (!rest && token.index + 1 < argv.length) {
        throw unexpected(argv[token.index + 1] ?? "", command);
      }
      restFrom = token.index + 1;
      break;
    }
    if (token.kind === "positional") {
      throw unexpected(token.value, command);
    }
    const definition = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (definition === undefined) {
      throw unknownOption(token.rawName, options, command);
    }
    if (definition.type === "boolean" && definition.bareValue === undefined) {
      if (token.value !== undefined) {
        throw usageError("surplus-value", { what: `${token.rawName}=${token.value}`, why: "takes no value" });
      }
      switches.add(token.name);
      continue;
    }
    const value = token.value ?? definition.bareValue;
    if (value === undefined || (!token.inlineValue && /^-./.test(value))) {
      const mend = `expected ${token.rawName} ${definition.valueHint ?? "VALUE"}`;
      throw usageError("missing-value", {
        what: token.rawName,
        why: value === undefined ? "needs a value" : `needs a value, and ${value} looks like an option`,
        mend: value === undefined ? mend : `${mend}, or ${token.rawName}=${value} if it is meant as one`,
      });
    }
    const before = words.get(token.name);
    if (before !== undefined && !definition.multiple) {
      throw usageError("repeated-option", {
        what: `${token.rawName} ${quote(value)}`,
        why: `given before, with ${quote(before.join(","))}`,
        mend: "give it once",
      });
    }
    words.set(token.name, [...(before ?? []), value]);
  }
  return { words, switches, rest: restFrom === null || !rest ? null : argv.slice(restFrom) };
}

/** Where the command's name stands in the command line; -1 where there is none. */
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

function unexpected(word: string, command: string): LinnixError {
  return usageError("surplus-argument", {
    what: `unexpected argument ${quote(word)}`,
    why: `${command} takes options only`,
    mend: `see ${command} --help`,
  });
}

function unknownOption(option: string, options: OptionDefs, command: string): LinnixError {
  const near = option.startsWith("--") ? nearest(option.slice(2), Object.keys(options)) : null;
  const before = command === "linnix" ? "; options of a command stand behind its name" : "";
  return usageError("unknown-option", {
    what: `unknown option ${quote(option).slice(1, -1)}`,
    mend: near === null ? `see ${command} --help${before}` : `did you mean --${near}? see ${command} --help`,
  });
}
