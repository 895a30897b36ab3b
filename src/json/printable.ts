/** Text from processes, made safe for a terminal: whoever names a process must not drive the terminal of who watches. */

/**
 * Control characters (C0, DEL, C1); formatting ones, which turn a line's direction or say how others are shown; line
 * and paragraph separators; halves of characters; and whatever else is not seen where it stands.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const SHORT: { [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e" };

/** `text` with every character that a terminal could act on written as an escape. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code > 0xffff) return `\\u{${hex(code, 0)}}`;
    return SHORT[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** Arguments on one line, quoted as a shell would need them where they hold more than plain characters. */
export function commandLine(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./~-]+$/.test(arg) ? arg : `'${printable(arg).replace(/'/g, "'\\''")}'`))
    .join(" ");
}
