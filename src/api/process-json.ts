import type { Place } from "../cgroup/place.ts";
import { type ByteWriter, jsonText, literal, type Piece } from "../json/byte-writer.ts";
import { signalName } from "../process/signal-name.ts";
import type { ProcessTable } from "../process/table.ts";
import { ARGS, ARGS_TRUNCATED, AUID, EGID, EUID, EXE, EXE_TRUNCATED } from "../sinks/event-names.gen.ts";
import { putImage } from "../sinks/image-json.ts";
import { COMM_LEN } from "../wire/layout.gen.ts";

/** Names of users, groups and places, which the table has as numbers. */
export interface Names {
  userName(uid: number): string | null;
  groupName(gid: number): string | null;
  /** The place of the process at that slot of the table. */
  of(slot: number): Place | null;
}

const PID = literal('{"pid":');
const PPID = literal(',"ppid":');
const UID = literal(',"uid":');
const GID = literal(',"gid":');
const USER = literal(',"user":');
const GROUP = literal(',"group":');
const COMM = literal(',"comm":');
const START_NS = literal(',"start_ns":');
const CGROUP_ID = literal(',"cgroup_id":');
const CPU_PCT = literal(',"cpu_pct":');
const RSS_BYTES = literal(',"rss_bytes":');
const THREADS = literal(',"threads":');
const LIVE = literal(',"state":"live","exited_ns":null');
const EXITED = literal(',"state":"exited","exited_ns":');
const EXIT_CODE = literal(',"exit_code":');
const SIGNAL = literal(',"signal":');
const CORE_DUMPED = literal(',"core_dumped":');

const NOWHERE: Place = { cgroup: null, container: null, pod_uid: null, unit: null };
/** Bytes for a process without its executable, arguments, names and place. */
const FIXED_BYTES = 768;
/** Maximum number of user and group names stored in encoded form. On most machines, few users run processes. */
const MAX_NAMES = 1024;

/**
 * Encodes a process as in every answer (`process` of answers.ts), directly from the table. So a list of thousands of
 * processes leaves no garbage.
 */
export class ProcessJson {
  readonly #table: ProcessTable;
  readonly #names: Names;
  readonly #comm = new Uint8Array(COMM_LEN);
  readonly #pieces = new Map<string | null, Piece>();
  readonly #places = new WeakMap<Place, Piece>();

  constructor(table: ProcessTable, names: Names) {
    this.#table = table;
    this.#names = names;
  }

  /** Writes the process at that slot of the table as a JSON object. */
  put(slot: number, out: ByteWriter): void {
    const table = this.#table;
    out.reserve(FIXED_BYTES);
    out.put(PID);
    out.number(table.pid(slot));
    putNumber(out, PPID, table.ppid(slot));
    out.put(UID);
    out.number(table.uid(slot));
    out.put(GID);
    out.number(table.gid(slot));
    putNumber(out, EUID, table.euid(slot));
    putNumber(out, EGID, table.egid(slot));
    putNumber(out, AUID, table.auid(slot));
    out.put(USER);
    this.#piece(this.#name(this.#names.userName(table.uid(slot))), out);
    out.put(GROUP);
    this.#piece(this.#name(this.#names.groupName(table.gid(slot))), out);
    out.put(COMM);
    table.copyComm(slot, this.#comm);
    out.cString(this.#comm);
    putImage(table.images, table.image(slot), out, FIXED_BYTES, EXE, ARGS, ARGS_TRUNCATED, EXE_TRUNCATED);
    out.put(START_NS);
    const [startHigh, startLow] = [table.startHigh(slot), table.startLow(slot)];
    if (startHigh === 0 && startLow === 0) out.null();
    else out.u64(startHigh, startLow);
    out.put(CGROUP_ID);
    if (table.isCgroupKnown(slot)) out.u64(table.cgroupIdHigh(slot), table.cgroupIdLow(slot));
    else out.null();
    this.#piece(this.#place(this.#names.of(slot) ?? NOWHERE), out);
    this.#figures(slot, out);
  }

  #figures(slot: number, out: ByteWriter): void {
    const table = this.#table;
    out.put(CPU_PCT);
    const cpuPct = table.cpuPct(slot);
    if (cpuPct === undefined) {
      out.null();
    } else {
      const hundredths = Math.round(cpuPct * 100);
      out.number(Math.floor(hundredths / 100));
      out.byte(0x2e);
      out.digits(hundredths % 100, 2);
    }
    putNumber(out, RSS_BYTES, table.rssBytes(slot));
    putNumber(out, THREADS, table.threads(slot));
    if (table.isLive(slot)) {
      out.put(LIVE);
    } else {
      out.put(EXITED);
      out.u64(table.exitedHigh(slot), table.exitedLow(slot));
    }
    const status = table.exitStatus(slot);
    const signal = status === undefined ? 0 : status & 0x7f;
    putNumber(out, EXIT_CODE, status === undefined || signal !== 0 ? undefined : (status >>> 8) & 0xff);
    out.put(SIGNAL);
    if (signal === 0) out.null();
    else out.put(literal(JSON.stringify(signalName(signal))));
    out.put(CORE_DUMPED);
    if (status === undefined) out.null();
    else out.boolean((status & 0x80) !== 0);
    out.byte(0x7d);
  }

  #piece(piece: Piece, out: ByteWriter): void {
    out.reserve(piece.length + FIXED_BYTES);
    out.put(piece);
  }

  #name(name: string | null): Piece {
    let piece = this.#pieces.get(name);
    if (piece === undefined) {
      if (this.#pieces.size >= MAX_NAMES) this.#pieces.clear();
      piece = literal(jsonText(name));
      this.#pieces.set(name, piece);
    }
    return piece;
  }

  #place(place: Place): Piece {
    let piece = this.#places.get(place);
    if (piece === undefined) {
      const { cgroup, container, pod_uid, unit } = place;
      piece = literal(`,${jsonText({ cgroup, container, pod_uid, unit }).slice(1, -1)}`);
      this.#places.set(place, piece);
    }
    return piece;
  }
}

function putNumber(out: ByteWriter, name: Piece, value: number | undefined): void {
  out.put(name);
  if (value === undefined) out.null();
  else out.number(value);
}
