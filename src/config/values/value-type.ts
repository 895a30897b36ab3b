import type * as z from "zod/mini";

/** What a TOML file can hold for a setting. */
export type TomlValue = string | number | boolean | readonly (string | number)[];

/** The type of a setting: how it is written in TOML and as text, and what a right one is. */
export interface ValueType<T> {
  /** Completes "expected …": what a right value is, with an example. */
  readonly expected: string;
  /** The same of one value of a list. */
  readonly itemExpected?: string;
  /** From what TOML gives to what the program uses; the message of a custom issue completes "the value …". */
  schema(): z.ZodMiniType<T>;
  /** From one word of the command line or the environment to what TOML would give. */
  fromText(text: string): unknown;
  toToml(value: NonNullable<T>): TomlValue;
  /** Takes several values: by commas or by repetition of the option. */
  readonly list: boolean;
  /** False where a comma is a part of a list's value: only repetition gives several then. */
  readonly commas?: boolean;
  /** The option may be given without a value, which means true. */
  readonly switch?: boolean;
  /** All the words that it can be, where they are few. */
  readonly choices?: readonly string[];
}
