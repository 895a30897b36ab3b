import { type BooleanArgDef, type CommandDef, defineCommand, type StringArgDef } from "citty";
import { type Loaded, readWords } from "../config/load.ts";
import type { AnySection } from "../config/schema.ts";
import type { ValueType } from "../config/values.ts";
import type { ExitCode } from "../errors.ts";

/** An option of a command: citty's definition, and further fields for the help and the check of the command line. */
export type OptionDef = ((StringArgDef & { type: "string" }) | (BooleanArgDef & { type: "boolean" })) & {
  description: string;
  alias?: string;
  /** May be given more than once. */
  multiple?: boolean;
  /**
   * The value of the option if it is given without `=VALUE`. An option with this field takes a value only after `=`.
   */
  bareValue?: string;
  /** The default in words. The help prints it after the description. */
  defaultText?: string;
  /** Heading under which `--help --all` lists the option. */
  group?: string;
  /** Whether only `--help --all` lists it. */
  rare?: true;
  /**
   * Whether the option sets a key of the configuration file. An option that sets no key can have the same name in
   * another command, such as `--duration` of `overhead-test`.
   */
  isSetting?: true;
};

export type OptionDefs = Record<string, OptionDef>;

/** The words of a command line, checked against the definitions of its options. */
export interface ParsedArgs {
  /** Options that take a value: name without dashes → their words, in order. */
  words: ReadonlyMap<string, readonly string[]>;
  /** Options without a value that were given. */
  switches: ReadonlySet<string>;
  /** What follows `--`; null if there is no `--`. */
  rest: readonly string[] | null;
}

/** The input of a command. */
export interface Invocation {
  args: ParsedArgs;
  /** Settings from options, environment and file. */
  config: Loaded;
  /** Whether output to stdout may be coloured. */
  color: boolean;
}

export interface Example {
  command: string;
  does: string;
  /** Whether only `--help --all` shows it. */
  rare?: true;
}

/** A command of linnix: citty's definition, and texts for its help. */
export interface Command extends CommandDef<OptionDefs> {
  args: OptionDefs;
  /** Paragraphs below the usage line. */
  about: readonly string[];
  /** More paragraphs, for `--help --all`. */
  details?: readonly string[];
  examples: readonly Example[];
  exits: readonly { code: ExitCode; meaning: string }[];
  /** The words after `--`, for the usage line. If this is absent, nothing may follow `--`. */
  rest?: string;
  run: (context: { data?: Invocation }) => Promise<ExitCode>;
}

/** Defines a command with citty, and keeps the fields that citty does not know. */
export function commandOf(command: Command): Command {
  return Object.assign(defineCommand<OptionDefs>(command), command);
}

/**
 * Value of an option that sets no key of the configuration file.
 * @param fallback its value if it is not given
 * @throws {LinnixError} naming the option, its value and what was expected
 */
export function optionValue<T>(args: ParsedArgs, flag: string, type: ValueType<T>, fallback: T): T {
  const words = args.words.get(flag);
  return words === undefined ? fallback : readWords({ type }, words, `--${flag}`);
}

/** Options for the settings of a table of the configuration file. */
export function optionsOf(section: AnySection): OptionDefs {
  const options: OptionDefs = {};
  for (const key of Object.values(section.keys)) {
    const value = key.default === null ? "" : [key.type.toToml(key.default as NonNullable<unknown>)].flat().join(",");
    options[key.flag] = {
      ...(key.type.switch ? { type: "boolean", bareValue: "true" } : { type: "string" }),
      description: key.doc,
      valueHint: key.hint,
      multiple: key.type.list,
      group: section.title,
      isSetting: true,
      ...(key.rare && { rare: true }),
      ...(value !== "" && { defaultText: value }),
    };
  }
  return options;
}
