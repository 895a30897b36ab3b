/** One server-sent event. */
export interface ServerEvent {
  id: string | null;
  type: string;
  data: string;
}

/** An event is at most an exit with all its arguments, escaped. */
const MAX_EVENT = 4 * 1024 * 1024;

/** Takes a stream of server-sent events apart, as linnix writes them: lines end by LF, data is one line. */
export class EventParser {
  #rest = "";

  /** @returns the events that are whole by now @throws Error if one has no end */
  push(text: string): ServerEvent[] {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > MAX_EVENT) throw new Error("an event of the stream has no end");
    return blocks.map(eventOf).filter((event) => event !== null);
  }
}

/** Null: a comment, or something else without data. */
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
