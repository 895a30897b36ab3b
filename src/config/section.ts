import type { ValueType } from "./values.ts";

/** One setting: its names in the file, on the command line and in the environment, its type, default and documentation. */
export interface Key<T> {
  /** Name in the section's table of the TOML file. */
  readonly toml: string;
  /** Long option without its dashes; the environment variable is `LINNIX_` and this in capitals, with underscores. */
  readonly flag: string;
  /** The placeholder for the value in the help, such as `SIZE`. */
  readonly hint: string;
  readonly type: ValueType<T>;
  /** Null if the setting is simply absent by default. */
  readonly default: T;
  /** One line: for the help and the sample configuration. */
  readonly doc: string;
  /** More lines for the sample configuration alone. */
  readonly details?: readonly string[];
  /** Whether only `--help --all` lists its option. */
  readonly rare?: true;
  /** A value for the commented-out line of the sample, where the default is null. */
  readonly example?: NonNullable<T>;
}

/** A table of the configuration file, `[name]`; `T` is what the program sees of it. */
export interface Section<T> {
  readonly name: string;
  /** One line above the table in the sample configuration, and the head of its options in the help. */
  readonly title: string;
  readonly keys: { readonly [P in keyof T]-?: Key<T[P]> };
}

/** A setting that chooses its own value where the user leaves it to the program. */
export type Auto<T> = T | "auto";

/** `LINNIX_RING_SIZE` for the option `ring-size`. */
export function envName(flag: string): string {
  return `LINNIX_${flag.replaceAll("-", "_").toUpperCase()}`;
}
