import { ByteWriter } from "../../src/json/byte-writer.ts";
import type { EventView } from "../../src/process/event-view.ts";
import { JsonEncoder } from "../../src/sinks/jsonl.ts";
import type { ProcessEvent } from "../../src/wire/event.ts";
import { parseEvent } from "../wire/parse-event.ts";

/** The event as a line of JSON, written into a buffer that is only as large as the encoder requests. */
export function lineOf(view: EventView, encoder = new JsonEncoder()): string {
  const out = new ByteWriter(0);
  encoder.encode(view, out);
  return `${new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(out.bytes.subarray(0, out.length))}}`;
}

/** The event parsed from its line of JSON: a separate object, which later events do not change. */
export function eventOf<Event extends { type: string } = ProcessEvent>(view: EventView): Event {
  return parseEvent(lineOf(view)) as Event;
}
