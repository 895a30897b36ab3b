/** Bytes of the kernel's as text. Bytes that are not UTF-8 become U+FFFD. */

/** A byte order mark is a character like any other: two names must not look like one. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A C string's text up to its NUL. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Arguments as the kernel keeps them: each ended by NUL, the last one perhaps cut before it. */
export function splitArguments(bytes: Uint8Array): string[] {
  const args: string[] = [];
  for (let from = 0; from < bytes.length; ) {
    const nul = bytes.indexOf(0, from);
    const end = nul < 0 ? bytes.length : nul;
    args.push(decoder.decode(bytes.subarray(from, end)));
    from = end + 1;
  }
  return args;
}
