import { ByteWriter, literal, type Piece, toJson } from "../json/byte-writer.ts";
import type { EventView } from "../process/event-view.ts";
import { signalName } from "../process/signal-name.ts";
import type { UnwrittenEvent } from "../wire/event.ts";
import {
  EVENT_EXEC,
  EVENT_FORK,
  EVENT_PAGE_FAULT,
  EVENT_SAMPLE,
  EXIT_EVENT,
  KNOWN_CPU,
  KNOWN_FAULTS,
  KNOWN_IO,
  KNOWN_RSS,
  KNOWN_STATUS,
  NO_CPU,
  PAGE_FAULT_EVENT,
  PROCESS_EVENT,
} from "../wire/layout.gen.ts";
import type { RunSummary } from "../wire/summary.ts";
import { putImage } from "./image-json.ts";
import type { Output } from "./output.ts";
import type { LineSink, Notice } from "./sink.ts";

const FORK = literal('{"type":"fork","time":"');
const EXEC = literal('{"type":"exec","time":"');
const EXIT = literal('{"type":"exit","time":"');
const SAMPLE = literal('{"type":"sample","time":"');
const PAGE_FAULT = literal('{"type":"page_fault","time":"');
const TS_NS = literal('Z","ts_ns":');
const CPU = literal(',"cpu":');
const PID = literal(',"pid":');
const PPID = literal(',"ppid":');
const UID = literal(',"uid":');
const GID = literal(',"gid":');
const COMM = literal(',"comm":');
const START_NS = literal(',"start_ns":');
const CGROUP_ID = literal(',"cgroup_id":');
const NS_PID = literal(',"ns_pid":');
const OLD_COMM = literal(',"old_comm":');
const EXIT_CODE = literal(',"exit_code":');
const SIGNAL = literal(',"signal":');
const CORE_DUMPED = literal(',"core_dumped":');
const DURATION_NS = literal(',"duration_ns":');
const CPU_USER_NS = literal(',"cpu_user_ns":');
const CPU_SYSTEM_NS = literal(',"cpu_system_ns":');
const PEAK_RSS_BYTES = literal(',"peak_rss_bytes":');
const MINOR_FAULTS = literal(',"minor_faults":');
const MAJOR_FAULTS = literal(',"major_faults":');
const READ_BYTES = literal(',"read_bytes":');
const WRITE_BYTES = literal(',"write_bytes":');
const CPU_PCT = literal(',"cpu_pct":');
const RSS_BYTES = literal(',"rss_bytes":');
const THREADS = literal(',"threads":');
const ADDRESS = literal(',"address":');
const IP = literal(',"ip":');
const WRITE = literal(',"write":');
const SUPPRESSED = literal(',"suppressed":');
const END = literal("}\n");

/** Room for all of an event but its strings. */
const FIXED_BYTES = 1024;

/** The event as one JSON object, without a line end, written to `out`. */
export class JsonEncoder {
  /** `YYYY-MM-DDTHH:MM:SS.` of the second of the last event. */
  #secondText = literal("");
  #second = -1;

  encode(event: EventView, out: ByteWriter): void {
    out.reserve(FIXED_BYTES);
    if (event.type === EVENT_SAMPLE) {
      this.#sample(event, out);
      return;
    }
    if (event.type === EVENT_PAGE_FAULT) {
      this.#pageFault(event, out);
      return;
    }
    out.put(event.type === EVENT_FORK ? FORK : event.type === EVENT_EXEC ? EXEC : EXIT);
    this.#head(event, out);
    if (event.type === EVENT_EXEC) {
      putImage(event.table.images, event.image, out, FIXED_BYTES);
      out.put(OLD_COMM);
      if (event.oldCommKnown) out.cString(event.oldComm);
      else out.null();
    } else if (event.type !== EVENT_FORK) {
      this.#exit(event, out);
      putImage(event.table.images, event.image, out, FIXED_BYTES);
    }
  }

  #sample(event: EventView, out: ByteWriter): void {
    out.put(SAMPLE);
    this.#head(event, out);
    out.put(CPU_PCT);
    const thousandths = Math.round(event.cpuPct * 1000);
    out.number(Math.floor(thousandths / 1000));
    out.byte(0x2e);
    out.digits(thousandths % 1000, 3);
    out.put(RSS_BYTES);
    out.number(event.rssBytes);
    out.put(THREADS);
    out.number(event.threads);
  }

  #pageFault(event: EventView, out: ByteWriter): void {
    const { record } = event;
    out.put(PAGE_FAULT);
    this.#head(event, out);
    out.put(ADDRESS);
    out.u64(record.u32(PAGE_FAULT_EVENT.address + 4), record.u32(PAGE_FAULT_EVENT.address));
    out.put(IP);
    out.u64(record.u32(PAGE_FAULT_EVENT.ip + 4), record.u32(PAGE_FAULT_EVENT.ip));
    out.put(WRITE);
    out.boolean(event.isWrite);
    out.put(SUPPRESSED);
    out.number(event.suppressed);
  }

  #head(event: EventView, out: ByteWriter): void {
    const { record, clock } = event;
    const high = record.u32(PROCESS_EVENT.ts_ns + 4);
    const low = record.u32(PROCESS_EVENT.ts_ns);
    clock.set(high, low);
    if (clock.seconds !== this.#second) {
      this.#second = clock.seconds;
      this.#secondText = literal(new Date(clock.seconds * 1000).toISOString().slice(0, 20));
    }
    out.put(this.#secondText);
    out.digits(clock.nanoseconds, 9);
    out.put(TS_NS);
    out.u64(high, low);
    out.put(CPU);
    if (event.cpu === NO_CPU && event.type === EVENT_SAMPLE) out.null();
    else out.number(event.cpu);
    out.put(PID);
    out.number(event.pid);
    out.put(PPID);
    const { ppid } = event;
    if (ppid < 0) out.null();
    else out.number(ppid);
    out.put(UID);
    out.number(event.uid);
    out.put(GID);
    out.number(event.gid);
    out.put(COMM);
    out.cString(event.comm);
    out.put(START_NS);
    if (event.startKnown) out.u64(record.u32(PROCESS_EVENT.start_ns + 4), record.u32(PROCESS_EVENT.start_ns));
    else out.null();
    out.put(CGROUP_ID);
    if (event.cgroupKnown) out.u64(record.u32(PROCESS_EVENT.cgroup_id + 4), record.u32(PROCESS_EVENT.cgroup_id));
    else out.null();
    if (event.nsPidKnown) {
      out.put(NS_PID);
      out.number(record.u32(PROCESS_EVENT.ns_pid));
    }
    if (event.identity) {
      const { json } = event.identity.ofEvent(event);
      out.reserve(json.length + FIXED_BYTES);
      out.put(json);
    }
  }

  #exit(event: EventView, out: ByteWriter): void {
    const { known, status } = event;
    const statusKnown = (known & KNOWN_STATUS) !== 0;
    const signal = status & 0x7f;
    out.put(EXIT_CODE);
    if (statusKnown && signal === 0) out.number((status >>> 8) & 0xff);
    else out.null();
    out.put(SIGNAL);
    if (statusKnown && signal !== 0) out.put(literal(`"${signalName(signal)}"`));
    else out.null();
    out.put(CORE_DUMPED);
    if (statusKnown) out.boolean((status & 0x80) !== 0);
    else out.null();
    out.put(DURATION_NS);
    const duration = event.durationNs;
    if (duration >= 0) out.number(duration);
    else out.null();
    const cpuKnown = (known & KNOWN_CPU) !== 0;
    const userNs = cpuKnown ? event.cpuUserNs : 0;
    this.#figure(out, CPU_USER_NS, cpuKnown, userNs);
    this.#figure(out, CPU_SYSTEM_NS, cpuKnown, event.cpuNs - userNs);
    this.#figure(out, PEAK_RSS_BYTES, (known & KNOWN_RSS) !== 0, event.figure(EXIT_EVENT.peak_rss_bytes));
    this.#figure(out, MINOR_FAULTS, (known & KNOWN_FAULTS) !== 0, event.figure(EXIT_EVENT.minor_faults));
    this.#figure(out, MAJOR_FAULTS, (known & KNOWN_FAULTS) !== 0, event.figure(EXIT_EVENT.major_faults));
    this.#figure(out, READ_BYTES, (known & KNOWN_IO) !== 0, event.figure(EXIT_EVENT.read_bytes));
    this.#figure(out, WRITE_BYTES, (known & KNOWN_IO) !== 0, event.figure(EXIT_EVENT.write_bytes));
  }

  #figure(out: ByteWriter, name: Piece, known: boolean, value: number): void {
    out.put(name);
    if (known) out.number(value);
    else out.null();
  }
}

/** Memory to begin with. */
const GATHER_BYTES = 64 * 1024;

/** JSON Lines: an object a line, for programs. */
export class JsonlSink implements LineSink {
  readonly #output: Output;
  readonly #encoder = new JsonEncoder();
  /** So many bytes are handed on at once, so that memory stays small at any rate. */
  readonly #gatherBytes: number;
  readonly #buffer = new ByteWriter(GATHER_BYTES + 8 * 1024);

  constructor(output: Output) {
    this.#output = output;
    this.#gatherBytes = output.gatherBytes;
  }

  write(event: EventView): void {
    this.#encoder.encode(event, this.#buffer);
    this.#buffer.put(END);
    if (this.#buffer.length >= this.#gatherBytes) this.flush();
  }

  notice(notice: Notice): void {
    this.#line(`${toJson(notice)}\n`);
  }

  unwritten(event: UnwrittenEvent): string {
    return `${toJson(event)}\n`;
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
