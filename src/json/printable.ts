/** Text from outside, made safe for a terminal and a page: the only rule for it, used wherever such text is shown. */

/**
 * Control characters (C0, DEL, C1); formatting characters, which change the direction of a line or the form of others;
 * line and paragraph separators; halves of characters; and all other invisible characters.
 */
export const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const SHORT: { [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e" };

/** `text` with every character that a terminal could act on written as an escape, except those of `kept`. */
export function printable(text: string, kept = ""): string {
  return text.replace(UNSAFE, (character) => {
    if (kept.includes(character)) return character;
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
