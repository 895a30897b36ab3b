/** Parses a tracepoint's `format` file in tracefs, which has the offsets of its fields. */

export interface TracepointField {
  /** C declaration of the field without its name, such as `char []` of `char comm[16]`. */
  type: string;
  offset: number;
  size: number;
}

/**
 * Fields by name.
 * @param text text of the file, with a line such as `field:pid_t pid;	offset:24;	size:4;	signed:1;` for each field
 */
export function parseTracepointFormat(text: string): Map<string, TracepointField> {
  const fields = new Map<string, TracepointField>();
  for (const line of text.split("\n")) {
    const match = /^\s*field:(.+?)\b(\w+)((?:\[[^\]]*\])?);\s*offset:(\d+);\s*size:(\d+);/.exec(line);
    if (!match) continue;
    const [, type = "", name = "", array = "", offset, size] = match;
    fields.set(name, { type: `${type.trim()}${array && ` ${array}`}`, offset: Number(offset), size: Number(size) });
  }
  return fields;
}
