/** Records of the wire made by hand, from the generated layout: a struct that grows needs no change here. */
import {
  COMM_LEN,
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
  EVENT_SAMPLE,
  EXEC_EVENT,
  EXIT_EVENT,
  FLAG_ARGS_CUT,
  FLAG_ARGS_KNOWN,
  FLAG_CGROUP_KNOWN,
  FLAG_EXE_KNOWN,
  FLAG_EXE_WHOLE,
  FLAG_NS_PID_KNOWN,
  FLAG_PPID_KNOWN,
  FLAG_START_KNOWN,
  KNOWN_CPU,
  KNOWN_FAULTS,
  KNOWN_IO,
  KNOWN_RSS,
  KNOWN_STATUS,
  PROCESS_EVENT,
  SAMPLE_EVENT,
} from "../../src/wire/layout.gen.ts";

/** Text stands for its UTF-8 bytes. */
export type Bytes = string | Uint8Array;

/** Fields of every record; what is left out is 0, flags apart. */
export interface Head {
  flags?: number;
  cpu?: number;
  pid: number;
  ppid?: number;
  ns_pid?: number;
  uid?: number;
  gid?: number;
  ts_ns?: bigint | number;
  start_ns?: bigint | number;
  cgroup_id?: bigint | number;
  /** At most COMM_LEN bytes; NULs follow where it is shorter. */
  comm?: Bytes;
}

export interface Exec extends Head {
  old_tid?: number;
  /** As the record carries it: see `pathComponents` for the form that the btf backend sends. */
  exe?: Bytes;
  /** As the record carries them: each ended by NUL. */
  args?: Bytes;
  args_total?: number;
  /** The path was too long: the record has its last components. */
  exe_cut?: boolean;
  /** Left out: the record does not tell. */
  old_comm?: Bytes;
}

export interface Exit extends Head {
  status?: number;
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

export interface Sample extends Head {
  runtime_ns?: bigint | number;
  rss_bytes?: bigint | number;
  threads?: number;
  sample_flags?: number;
}

/** What the btf backend knows of every process. */
export const HEAD_KNOWN = FLAG_PPID_KNOWN | FLAG_START_KNOWN | FLAG_CGROUP_KNOWN | FLAG_NS_PID_KNOWN;
/** … of an exec whose path and arguments it could read whole. */
export const EXEC_KNOWN = HEAD_KNOWN | FLAG_ARGS_KNOWN | FLAG_EXE_KNOWN;
/** … of an exit. */
export const EXIT_KNOWN = KNOWN_STATUS | KNOWN_CPU | KNOWN_RSS | KNOWN_FAULTS | KNOWN_IO;
/** Every flag of a head and every one of an image. */
export const ALL_FLAGS = EXEC_KNOWN | FLAG_ARGS_CUT | FLAG_EXE_WHOLE;

export function bytesOf(value: Bytes): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}

/** One after the other. */
export function concat(...pieces: Bytes[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces.map(bytesOf)));
}

/** Arguments as the kernel keeps them: each ended by NUL. */
export function argumentBytes(...args: Bytes[]): Uint8Array<ArrayBuffer> {
  return concat(...args.flatMap((arg) => [arg, "\0"]));
}

/** A path as the btf backend sends it: `/usr/bin/true` as `true\0bin\0usr\0`. */
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
  return head(PROCESS_EVENT.size, EVENT_FORK, { flags: HEAD_KNOWN, ...fields });
}

export function execRecord(fields: Exec): Uint8Array<ArrayBuffer> {
  const exe = bytesOf(fields.exe ?? "");
  const args = bytesOf(fields.args ?? "");
  const bytes = head(EXEC_EVENT.size + exe.length + args.length, EVENT_EXEC, { flags: EXEC_KNOWN, ...fields });
  const view = new DataView(bytes.buffer);
  view.setUint32(EXEC_EVENT.old_tid, fields.old_tid ?? fields.pid, true);
  view.setUint16(EXEC_EVENT.exe_len, exe.length, true);
  view.setUint16(EXEC_EVENT.args_len, args.length, true);
  view.setUint16(EXEC_EVENT.exe_cut, fields.exe_cut ? 1 : 0, true);
  view.setUint32(EXEC_EVENT.args_total, fields.args_total ?? args.length, true);
  if (fields.old_comm !== undefined) {
    view.setUint16(EXEC_EVENT.old_comm_known, 1, true);
    bytes.set(commBytes(fields.old_comm), EXEC_EVENT.old_comm);
  }
  bytes.set(exe, EXEC_EVENT.size);
  bytes.set(args, EXEC_EVENT.size + exe.length);
  return bytes;
}

export function exitRecord(fields: Exit): Uint8Array<ArrayBuffer> {
  const bytes = head(EXIT_EVENT.size, EVENT_EXIT, { flags: HEAD_KNOWN, ...fields });
  const view = new DataView(bytes.buffer);
  view.setUint32(EXIT_EVENT.status, fields.status ?? 0, true);
  view.setUint32(EXIT_EVENT.known, fields.known ?? EXIT_KNOWN, true);
  for (const name of FIGURES) view.setBigUint64(EXIT_EVENT[name], BigInt(fields[name] ?? 0), true);
  return bytes;
}

export function sampleRecord(fields: Sample): Uint8Array<ArrayBuffer> {
  const bytes = head(SAMPLE_EVENT.size, EVENT_SAMPLE, { flags: HEAD_KNOWN, ...fields });
  const view = new DataView(bytes.buffer);
  view.setBigUint64(SAMPLE_EVENT.runtime_ns, BigInt(fields.runtime_ns ?? 0), true);
  view.setBigUint64(SAMPLE_EVENT.rss_bytes, BigInt(fields.rss_bytes ?? 0), true);
  view.setUint32(SAMPLE_EVENT.threads, fields.threads ?? 1, true);
  view.setUint32(SAMPLE_EVENT.sample_flags, fields.sample_flags ?? 0, true);
  return bytes;
}

const FIGURES = [
  "utime_ns",
  "stime_ns",
  "runtime_ns",
  "accounted_ns",
  "peak_rss_bytes",
  "minor_faults",
  "major_faults",
  "read_bytes",
  "write_bytes",
] as const;

function head(length: number, type: number, fields: Head): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint8(PROCESS_EVENT.type, type);
  view.setUint8(PROCESS_EVENT.flags, fields.flags ?? 0);
  view.setUint16(PROCESS_EVENT.cpu, fields.cpu ?? 0, true);
  view.setUint32(PROCESS_EVENT.pid, fields.pid, true);
  view.setUint32(PROCESS_EVENT.ppid, fields.ppid ?? 0, true);
  view.setUint32(PROCESS_EVENT.ns_pid, fields.ns_pid ?? 0, true);
  view.setUint32(PROCESS_EVENT.uid, fields.uid ?? 0, true);
  view.setUint32(PROCESS_EVENT.gid, fields.gid ?? 0, true);
  view.setBigUint64(PROCESS_EVENT.ts_ns, BigInt(fields.ts_ns ?? 0), true);
  view.setBigUint64(PROCESS_EVENT.start_ns, BigInt(fields.start_ns ?? 0), true);
  view.setBigUint64(PROCESS_EVENT.cgroup_id, BigInt(fields.cgroup_id ?? 0), true);
  bytes.set(commBytes(fields.comm ?? ""), PROCESS_EVENT.comm);
  return bytes;
}

function commBytes(comm: Bytes): Uint8Array {
  const bytes = bytesOf(comm);
  if (bytes.length > COMM_LEN) throw new Error(`a comm has at most ${COMM_LEN} bytes`);
  return bytes;
}
