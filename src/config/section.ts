import type { ValueType } from "./values.ts";

/**
 * One setting: its names in the file, on the command line and in the environment, its type, default and documentation.
 */
export interface Key<T> {
  /** Name in the section's table of the TOML file. */
  readonly toml: string;
  /** Long option without its dashes; the environment variable is `LINNIX_` and this in capitals, with underscores. */
  readonly flag: string;
  /** The placeholder for the value in the help, such as `SIZE`. */
  readonly hint: string;
  readonly type: ValueType<T>;
  /** Null if the setting is absent by default. */
  readonly default: T;
  /** One line: for the help and the sample configuration. */
  readonly doc: string;
  /** More lines for the sample configuration alone. */
  readonly details?: readonly string[];
  /** Whether only `--help --all` lists its option. */
  readonly rare?: true;
  /** A value for the commented-out line of the sample, if the default is null. */
  readonly example?: NonNullable<T>;
}

/** A table of the configuration file, `[name]`. `T` is the type of its settings in the program. */
export interface Section<T> {
  readonly name: string;
  /** One line above the table in the sample configuration, and the head of its options in the help. */
  readonly title: string;
  readonly keys: { readonly [P in keyof T]-?: Key<T[P]> };
}

/** The type of a setting that can be `auto`, so that linnix chooses the value. */
export type Auto<T> = T | "auto";

/** `LINNIX_RING_SIZE` for the option `ring-size`. */
export function envName(flag: string): string {
  return `LINNIX_${flag.replaceAll("-", "_").toUpperCase()}`;
}
