import { ByteWriter, jsonText, literal } from "../json/byte-writer.ts";
import type { EventView } from "../process/event-view.ts";
import type { StartEvent, TotalsEvent, UnwrittenEvent } from "../wire/event.ts";
import type { RunSummary } from "../wire/summary.ts";
import { putEvent } from "./event-json.gen.ts";
import { EventParts, FIXED_BYTES } from "./event-parts.ts";
import type { Output } from "./output.ts";
import type { LineSink, Notice } from "./sink.ts";

const END = literal("}\n");

/** Writes events to `out`, each as a JSON object without its closing brace. */
export class JsonEncoder {
  readonly #parts = new EventParts();

  encode(event: EventView, out: ByteWriter): void {
    out.reserve(FIXED_BYTES);
    putEvent(event, out, this.#parts);
  }
}

/** Initial size of the buffer. */
const GATHER_BYTES = 64 * 1024;

/** The members of an output that the sink uses. */
export type LineOutput = Pick<Output, "gatherBytes" | "memory" | "writeFrom">;

/** Writes JSON Lines, for programs: one object per line. */
export class JsonlSink implements LineSink {
  readonly #output: LineOutput;
  readonly #encoder = new JsonEncoder();
  /** After this many bytes the sink writes immediately, so that it needs little memory at any rate of events. */
  readonly #gatherBytes: number;
  readonly #buffer: ByteWriter;

  constructor(output: LineOutput) {
    this.#output = output;
    this.#gatherBytes = output.gatherBytes;
    this.#buffer = new ByteWriter(GATHER_BYTES + 8 * 1024, (bytes) => output.memory(bytes));
  }

  write(event: EventView): void {
    this.#encoder.encode(event, this.#buffer);
    this.#buffer.put(END);
    if (this.#buffer.length >= this.#gatherBytes) this.flush();
  }

  start(event: StartEvent): void {
    this.#line(`${jsonText(event)}\n`);
  }

  notice(notice: Notice): void {
    this.#line(`${jsonText(notice)}\n`);
  }

  totals(lines: readonly TotalsEvent[]): void {
    for (const line of lines) this.#line(`${jsonText(line)}\n`);
  }

  unwritten(event: UnwrittenEvent): string {
    return `${jsonText(event)}\n`;
  }

  flush(): void {
    if (this.#buffer.length === 0) return;
    this.#buffer.exchange((bytes, length) => this.#output.writeFrom(bytes, length));
  }

  finish(summary: RunSummary): void {
    this.#line(`${JSON.stringify(summary)}\n`);
    this.flush();
  }

  #line(text: string): void {
    const line = literal(text);
    this.#buffer.reserve(line.length);
    this.#buffer.put(line);
  }
}
