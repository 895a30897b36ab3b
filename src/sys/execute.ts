/** Replaces this program by another. */
import { ptr } from "bun:ffi";
import { libcFunction } from "./libc.ts";

/**
 * Executes a program in place of this one, with the same pid, parent and open files, except close-on-exec files.
 * Returns only if the exec failed.
 *
 * @param argv the program's arguments, beginning with its name
 * @param env strings of the form `NAME=value`
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
  // The exec failed. Until here, the strings must not be garbage-collected.
  keep.length = 0;
}
