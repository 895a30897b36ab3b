import * as z from "zod/mini";
import type { TomlValue, ValueType } from "./value-type.ts";

// linnix can run as root, so zod must not turn its checks into JavaScript at run time (`new Function`). With one check
// per start, generated code would not be faster either.
z.config({ jitless: true });

/**
 * No bigint. If an integer needs more than 64 bits, the parser wraps it around to another value. It returns every
 * integer that may be affected as a bigint.
 */
export const TEXT_OR_NUMBER = once(() => z.union([z.string(), z.number()]));
export const TEXT = once(() => z.string());
export const TEXT_OR_BOOLEAN = once(() => z.union([z.string(), z.boolean()]));

/** Calls `make` only at the first use. Most settings are never given, and all their schemas together take 3 MB. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** A type with one value, which is not a list. `read` returns the value of an input, or a {@link Refusal}. */
export function scalar<T>(options: {
  expected: string;
  input: () => z.ZodMiniType<string | number | boolean>;
  read(value: string | number | boolean): T | Refusal;
  toToml(value: NonNullable<T>): TomlValue;
  fromText?(text: string): unknown;
  choices?: readonly string[];
}): ValueType<T> {
  const schema = once(
    () =>
      z.pipe(
        options.input(),
        z.transform((value: string | number | boolean, context) => {
          const result = options.read(value);
          if (result instanceof Refusal) {
            context.issues.push({ code: "custom", message: result.why, input: value });
            return z.NEVER;
          }
          return result;
        }),
      ) as unknown as z.ZodMiniType<T>,
  );
  const { expected, toToml, fromText = (text: string) => text, choices } = options;
  return { expected, schema, toToml, fromText, list: false, ...(choices && { choices }) };
}

/** Why a value is not valid although its TOML type is right, as a clause. */
export class Refusal {
  constructor(readonly why: string) {}
}

/** Refuses text that can mean something else to the kernel or a terminal than it shows. */
export function textRefusal(text: string): Refusal | null {
  // An argument that is not UTF-8 arrives here with U+FFFD in it, and would match nothing.
  if (text.includes("\ufffd")) {
    return new Refusal("not UTF-8");
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text) ? new Refusal("has control characters in it") : null;
}
