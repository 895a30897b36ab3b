/** One server-sent event. */
export interface ServerEvent {
  id: string | null;
  type: string;
  data: string;
}

/** Maximum length of an event, characters. The longest one is an exit with all its arguments, escaped. */
const MAX_EVENT = 4 * 1024 * 1024;

/** Parses a stream of server-sent events as linnix writes them: lines end with LF, and data is one line. */
export class EventParser {
  #rest = "";

  /** Adds text of the stream. @returns the events that are now complete @throws Error if an event is too long */
  push(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > MAX_EVENT) throw new Error("an event of the stream is too long");
    return blocks.map(eventOf).filter((event) => event !== null);
  }
}

/** The event of a block of lines; null if the block has no data, such as a comment. */
function eventOf(block: string): ServerEvent | null {
  let [id, type, data]: [string | null, string, string | null] = [null, "message", null];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    const name = line.slice(0, colon);
    if (name === "id") id = value;
    else if (name === "event") type = value;
    else if (name === "data") data = value;
  }
  return data === null ? null : { id, type, data };
}
