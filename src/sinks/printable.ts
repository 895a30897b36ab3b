/** Text from processes, made safe for a terminal: whoever names a process must not drive the terminal of who watches. */

// C0, DEL and C1 controls; line and paragraph separators; bidirectional overrides; what would not be seen.
// biome-ignore lint/suspicious/noControlCharactersInRegex: to find them is the purpose
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const SHORT: { [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e" };

/** `text` with every character that a terminal could act on written as an escape. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
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
