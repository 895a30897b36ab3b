/** Makes records for tests from the generated layout. A struct that grows needs no change here. */
import {
  ARGS_CUT,
  COMM_LEN,
  ENDED_EVENT,
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  EVENT_PROCESS,
  EVENT_SAMPLE,
  EXE_CUT,
  EXE_WHOLE,
  EXEC_EVENT,
  EXIT_EVENT,
  KNOWN_ARGS,
  KNOWN_CGROUP,
  KNOWN_CPU,
  KNOWN_EFFECTIVE,
  KNOWN_EXE,
  KNOWN_FAULTS,
  KNOWN_IO,
  KNOWN_NS_PID,
  KNOWN_OLD_COMM,
  KNOWN_PARENT_START,
  KNOWN_PPID,
  KNOWN_RSS,
  KNOWN_START,
  KNOWN_STATUS,
  PROCESS_EVENT,
  SAMPLE_EVENT,
} from "../../src/wire/layout.gen.ts";

/** A string means its UTF-8 bytes. */
export type Bytes = string | Uint8Array;

/** Fields of every record. An absent field is 0, except `flags`. */
export interface Head {
  /** Bits of `known`. */
  flags?: number;
  cpu?: number;
  pid: number;
  ppid?: number;
  ns_pid?: number;
  uid?: number;
  gid?: number;
  euid?: number;
  egid?: number;
  auid?: number;
  ts_ns?: bigint | number;
  start_ns?: bigint | number;
  parent_start_ns?: bigint | number;
  cgroup_id?: bigint | number;
  /** At most COMM_LEN bytes, padded with NULs. */
  comm?: Bytes;
}

export interface Exec extends Head {
  old_tid?: number;
  /** The path in the form of the record: see `pathComponents` for the form that the btf backend sends. */
  exe?: Bytes;
  /** The arguments in the form of the record: each ends with NUL. */
  args?: Bytes;
  args_total?: number;
  /** The path was too long: the record has its last components. */
  exe_cut?: boolean;
  /** If absent, the record does not have it. */
  old_comm?: Bytes;
}

export interface Exit extends Head {
  status?: number;
  /** More bits of `known`. */
  known?: number;
  utime_ns?: bigint | number;
  stime_ns?: bigint | number;
  runtime_ns?: bigint | number;
  accounted_ns?: bigint | number;
  peak_rss_bytes?: bigint | number;
  minor_faults?: bigint | number;
  major_faults?: bigint | number;
  read_bytes?: bigint | number;
  write_bytes?: bigint | number;
}

export interface Ended extends Exit {
  exec_count?: number;
  born_ns?: bigint | number;
  /** As in an exec record. Without `exe` and `args` the record has no image. */
  exe?: Bytes;
  args?: Bytes;
  image_pid?: number;
  image_start_ns?: bigint | number;
}

export interface Sample extends Head {
  runtime_ns?: bigint | number;
  rss_bytes?: bigint | number;
  threads?: number;
}

/** Flags of the values that the btf backend knows of every process. */
export const HEAD_KNOWN = KNOWN_PPID | KNOWN_START | KNOWN_CGROUP | KNOWN_NS_PID | KNOWN_EFFECTIVE | KNOWN_PARENT_START;
/** Flags of an exec whose path and arguments it could read whole. */
export const EXEC_KNOWN = HEAD_KNOWN | KNOWN_ARGS | KNOWN_EXE;
/** Bits of the values that it knows of an exit. */
export const EXIT_KNOWN = KNOWN_STATUS | KNOWN_CPU | KNOWN_RSS | KNOWN_FAULTS | KNOWN_IO;
/** Every flag of a head and of an image. */
export const ALL_FLAGS = EXEC_KNOWN | ARGS_CUT | EXE_WHOLE;

/** Every combination of the bits of `mask`, including none and all. */
export function* subsets(mask: number): Generator<number> {
  for (let subset = mask; ; subset = (subset - 1) & mask) {
    yield subset;
    if (subset === 0) return;
  }
}

export function bytesOf(value: Bytes): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** Concatenates the pieces. */
export function concat(...pieces: Bytes[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces.map(bytesOf)));
}

/** Arguments in the kernel's form: each ends with NUL. */
export function argumentBytes(...args: Bytes[]): Uint8Array<ArrayBuffer> {
  return concat(...args.flatMap((arg) => [arg, "\0"]));
}

/** A path in the form of the btf backend: `/usr/bin/true` is `true\0bin\0usr\0`. */
export function pathComponents(path: Bytes): Uint8Array<ArrayBuffer> {
  const names = Buffer.from(bytesOf(path)).toString("latin1").split("/").slice(1);
  return new Uint8Array(
    Buffer.from(
      names
        .reverse()
        .map((name) => `${name}\0`)
        .join(""),
      "latin1",
    ),
  );
}

export function forkRecord(fields: Head): Uint8Array<ArrayBuffer> {
  return recordOf(PROCESS_EVENT, EVENT_FORK, fields);
}

export function execRecord({ exe = "", args = "", exe_cut, old_comm, ...fields }: Exec): Uint8Array<ArrayBuffer> {
  const [path, kept] = [bytesOf(exe), bytesOf(args)];
  const known = (exe_cut ? EXE_CUT : 0) | (old_comm === undefined ? 0 : KNOWN_OLD_COMM);
  const lengths = { old_tid: fields.pid, args_total: kept.length, exe_len: path.length, args_len: kept.length };
  const flags = fields.flags ?? EXEC_KNOWN;
  const bytes = recordOf(EXEC_EVENT, EVENT_EXEC, { ...lengths, ...fields, flags: flags | known });
  if (old_comm !== undefined) bytes.set(commBytes(old_comm), EXEC_EVENT.old_comm);
  return concat(bytes, path, kept);
}

export function exitRecord({ known = EXIT_KNOWN, ...fields }: Exit): Uint8Array<ArrayBuffer> {
  return recordOf(EXIT_EVENT, EVENT_EXIT, { ...fields, flags: (fields.flags ?? HEAD_KNOWN) | known });
}

/** The flags say whether the record contains an image, and which of its parts are known. */
export function endedRecord({ known = EXIT_KNOWN, exe = "", args = "", ...fields }: Ended): Uint8Array<ArrayBuffer> {
  const [path, kept] = [bytesOf(exe), bytesOf(args)];
  const lengths = { exe_len: path.length, args_len: kept.length };
  const flags = (fields.flags ?? HEAD_KNOWN) | known;
  return concat(recordOf(ENDED_EVENT, EVENT_PROCESS, { ...lengths, ...fields, flags }), path, kept);
}

export function sampleRecord(fields: Sample): Uint8Array<ArrayBuffer> {
  return recordOf(SAMPLE_EVENT, EVENT_SAMPLE, { threads: 1, ...fields });
}

/** Offsets of the members of a struct, and its size. */
type Layout = Readonly<Record<string, number>> & { size: number };

type Put = (view: DataView, value: bigint | number) => void;

/** Writers of the members of a struct. Each member has the bytes up to the next. */
function writersOf(layout: Layout): Map<string, Put> {
  const lengths = ["comm_len", "old_comm_len"];
  const members = Object.entries(layout).filter(([name]) => !lengths.includes(name));
  const ends = members.map(([, at]) => at).toSorted((a, b) => a - b);
  return new Map(
    members.map(([name, at]) => {
      const width = (ends.find((end) => end > at) ?? at) - at;
      if (width === 8) return [name, (view, value) => view.setBigUint64(at, BigInt(value), true)];
      if (width === 4) return [name, (view, value) => view.setUint32(at, Number(value), true)];
      if (width === 2) return [name, (view, value) => view.setUint16(at, Number(value), true)];
      return [name, (view, value) => view.setUint8(at, Number(value))];
    }),
  );
}

const WRITERS = new Map<Layout, Map<string, Put>>(
  ([PROCESS_EVENT, EXEC_EVENT, EXIT_EVENT, ENDED_EVENT, SAMPLE_EVENT] as Layout[]).map((each) => [
    each,
    writersOf(each),
  ]),
);

function recordOf(layout: Layout, type: number, { flags = HEAD_KNOWN, comm = "", ...fields }: Head) {
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  const writers = WRITERS.get(layout);
  for (const [name, value] of Object.entries({ ...fields, type, known: flags >>> 0 })) {
    if (value === undefined) continue;
    const put = writers?.get(name);
    if (!put) throw new Error(`the record has no ${name}`);
    put(view, value);
  }
  bytes.set(commBytes(comm), PROCESS_EVENT.comm);
  return bytes;
}

function commBytes(comm: Bytes): Uint8Array {
  const bytes = bytesOf(comm);
  if (bytes.length > COMM_LEN) throw new Error(`a comm has at most ${COMM_LEN} bytes`);
  return bytes;
}
