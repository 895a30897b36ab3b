import { type ByteWriter, literal, type Piece } from "../json/byte-writer.ts";
import type { EventView } from "../process/event-view.ts";
import { signalName } from "../process/signal-name.ts";
import { EVENT_SAMPLE, KNOWN_CPU, KNOWN_STATUS, NO_CPU, PROCESS_EVENT } from "../wire/layout.gen.ts";
import { putImage } from "./image-json.ts";

/** Bytes for an event without its strings. */
export const FIXED_BYTES = 1024;

/**
 * Writes the fields whose value is not simply a member of the record, for the generated encoder. `part` in
 * src/wire/fields.ts names the method of a field. Each method gets the names of the fields that it writes.
 */
export class EventParts {
  /** `"YYYY-MM-DDTHH:MM:SS.` of the second of the last event. */
  #secondText = literal("");
  #second = -1;

  /**
   * Writes the value of `time`, whose name is written already, and `ts_ns`. `tsNs` begins with the quote that ends
   * `time`.
   */
  time({ record, clock }: EventView, out: ByteWriter, tsNs: Piece): void {
    const high = record.u32(PROCESS_EVENT.ts_ns + 4);
    const low = record.u32(PROCESS_EVENT.ts_ns);
    clock.set(high, low);
    if (clock.seconds !== this.#second) {
      this.#second = clock.seconds;
      this.#secondText = literal(`"${new Date(clock.seconds * 1000).toISOString().slice(0, 20)}`);
    }
    out.put(this.#secondText);
    out.digits(clock.nanoseconds, 9);
    out.put(tsNs);
    out.u64(high, low);
  }

  cpu(event: EventView, out: ByteWriter, cpu: Piece): void {
    out.put(cpu);
    if (event.cpu === NO_CPU && event.type === EVENT_SAMPLE) out.null();
    else out.number(event.cpu);
  }

  ppid(event: EventView, out: ByteWriter, ppid: Piece): void {
    putNumber(out, ppid, event.ppid);
  }

  comm(event: EventView, out: ByteWriter, comm: Piece): void {
    out.put(comm);
    out.cString(event.comm);
  }

  /** Writes those of `cgroup`, `container` and `unit` that are known. */
  place(event: EventView, out: ByteWriter): void {
    if (!event.identity) return;
    const { json } = event.identity.ofEvent(event);
    out.reserve(json.length + FIXED_BYTES);
    out.put(json);
  }

  image(event: EventView, out: ByteWriter, exe: Piece, args: Piece, argsCut: Piece, exeCut: Piece): void {
    putImage(event.table.images, event.image, out, FIXED_BYTES, exe, args, argsCut, exeCut);
  }

  oldComm(event: EventView, out: ByteWriter, oldComm: Piece): void {
    out.put(oldComm);
    if (event.oldCommKnown) out.cString(event.oldComm);
    else out.null();
  }

  status({ known, status }: EventView, out: ByteWriter, exitCode: Piece, signal: Piece, coreDumped: Piece): void {
    const isKnown = (known & KNOWN_STATUS) !== 0;
    const number = status & 0x7f;
    out.put(exitCode);
    if (isKnown && number === 0) out.number((status >>> 8) & 0xff);
    else out.null();
    out.put(signal);
    if (isKnown && number !== 0) out.put(literal(`"${signalName(number)}"`));
    else out.null();
    out.put(coreDumped);
    if (isKnown) out.boolean((status & 0x80) !== 0);
    else out.null();
  }

  duration(event: EventView, out: ByteWriter, duration: Piece): void {
    putNumber(out, duration, event.durationNs);
  }

  cpuTime(event: EventView, out: ByteWriter, user: Piece, system: Piece): void {
    const isKnown = (event.known & KNOWN_CPU) !== 0;
    const userNs = isKnown ? event.cpuUserNs : -1;
    putNumber(out, user, userNs);
    putNumber(out, system, isKnown ? event.cpuNs - userNs : -1);
  }

  cpuPct(event: EventView, out: ByteWriter, cpuPct: Piece): void {
    out.put(cpuPct);
    const thousandths = Math.round(event.cpuPct * 1000);
    out.number(Math.floor(thousandths / 1000));
    out.byte(0x2e);
    out.digits(thousandths % 1000, 3);
  }

  isWrite(event: EventView, out: ByteWriter, write: Piece): void {
    out.put(write);
    out.boolean(event.isWrite);
  }
}

/** @param value negative if unknown */
function putNumber(out: ByteWriter, name: Piece, value: number): void {
  out.put(name);
  if (value < 0) out.null();
  else out.number(value);
}
