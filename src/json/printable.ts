/** Text from outside, made safe for a terminal and a web page. All code that shows such text uses this rule. */

/**
 * Control characters (C0, DEL, C1); formatting characters, which change the direction of a line or the form of other
 * characters; line and paragraph separators; unpaired surrogates; and all other invisible characters.
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

/** Arguments on one line, quoted for a shell if they contain special characters. */
export function commandLine(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./~-]+$/.test(arg) ? arg : `'${printable(arg).replace(/'/g, "'\\''")}'`))
    .join(" ");
}
