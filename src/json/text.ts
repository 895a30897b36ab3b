/** Decodes bytes from the kernel as text. Bytes that are not UTF-8 become U+FFFD. */

/** A byte order mark is kept, because two different names must not become equal. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A C string's text up to its NUL. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Splits arguments as the kernel stores them: each ends with NUL, except perhaps the last one if it was truncated. */
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
