import { Refusal, scalar, TEXT, TEXT_OR_BOOLEAN } from "./scalar.ts";
import type { ValueType } from "./value-type.ts";

/** One of a few words. */
export function choice<const T extends string>(choices: readonly T[]): ValueType<T> {
  return scalar<T>({
    expected: `one of ${choices.join(", ")}`,
    input: TEXT,
    read: (value) => choices.find((word) => word === value) ?? new Refusal("none of the choices"),
    toToml: (value) => value,
    choices,
  });
}

/** `true` or `false`; on the command line the option alone means true. */
export const boolean: ValueType<boolean> = {
  ...scalar<boolean>({
    expected: "true or false",
    input: TEXT_OR_BOOLEAN,
    read: (value) => (typeof value === "boolean" ? value : new Refusal("neither true nor false")),
    fromText: (text) => (text === "true" ? true : text === "false" ? false : text),
    toToml: (value) => value,
  }),
  switch: true,
};
