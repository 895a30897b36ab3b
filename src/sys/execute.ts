/** Becoming another program. */
import { ptr } from "bun:ffi";
import { libcFunction } from "./libc.ts";

/**
 * Executes a program in place of this one: same pid, same parent, same open
 * files but those marked close-on-exec. Comes back only if that failed.
 *
 * @param argv its words, its name first
 * @param env `NAME=value` each
 */
export function execute(path: string, argv: readonly string[], env: readonly string[]): void {
  const execve = libcFunction("execve");
  const keep: Buffer[] = [];
  const strings = (words: readonly string[]): BigUint64Array => {
    const pointers = new BigUint64Array(words.length + 1);
    words.forEach((word, i) => {
      const text = Buffer.from(`${word}\0`);
      keep.push(text);
      pointers[i] = BigInt(ptr(text));
    });
    return pointers;
  };
  const file = Buffer.from(`${path}\0`);
  execve(ptr(file), strings(argv), strings(env));
  // Failed: until here the strings had to stay where they are.
  keep.length = 0;
}
