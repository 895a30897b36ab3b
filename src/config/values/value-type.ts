import type * as z from "zod/mini";

/** A value of a setting in a TOML file. */
export type TomlValue = string | number | boolean | readonly (string | number)[];

/** The type of a setting: its form in TOML and as text, and its valid values. */
export interface ValueType<T> {
  /** Completes "expected …": a description of valid values, with an example. */
  readonly expected: string;
  /** The same for one value of a list. */
  readonly itemExpected?: string;
  /** Turns a value of TOML into the value in the program. The message of a custom issue says why it is not valid. */
  schema(): z.ZodMiniType<T>;
  /** Turns one word of the command line or the environment into the value that TOML would have. */
  fromText(text: string): unknown;
  toToml(value: NonNullable<T>): TomlValue;
  /** Whether it takes several values, separated by commas or by repetition of the option. */
  readonly list: boolean;
  /** False if a value of the list can contain a comma. Then several values need repetition of the option. */
  readonly commas?: boolean;
  /** Whether the option may be given without a value, which means true. */
  readonly switch?: boolean;
  /** All valid words, if there are only a few. */
  readonly choices?: readonly string[];
}
