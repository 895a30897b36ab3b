import { Refusal, scalar, TEXT } from "./scalar.ts";
import type { ValueType } from "./value-type.ts";

/** A path; null for `-`, which means stdout. */
export const pathOrStdout: ValueType<string | null> = scalar<string | null>({
  expected: "the path of a file, or - for stdout",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    return text === "-" ? null : readPath(text);
  },
  toToml: (value) => value,
});

/** The path of a file; null means that there is none. */
export const optionalPath: ValueType<string | null> = scalar<string | null>({
  expected: "the path of a file",
  input: TEXT,
  read: (value) => readPath(String(value)),
  toToml: (value) => value,
});

function readPath(text: string): string | Refusal {
  if (text === "") return new Refusal("empty");
  if (text.includes("\0")) return new Refusal("has a NUL in it");
  // The runtime has replaced bytes that are not UTF-8 by U+FFFD. So this text does not name the file that was meant.
  if (text.includes("\ufffd"))
    return new Refusal("not UTF-8, and so another file's name; rename it, or make a link to it");
  return text;
}
