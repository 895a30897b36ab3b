import {
  COMM_LEN,
  EVENT_EXEC,
  EVENT_EXIT,
  EVENT_FORK,
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
} from "../../wire/layout.gen.ts";

/** include/uapi/linux/perf_event.h */
const PERF_RECORD_COMM = 3;
const PERF_RECORD_SAMPLE = 9;
/** Offset in struct perf_event_mmap_page of the u64 data_head, data_tail and data_offset. */
const CONTROL_AT = 1024;
const DATA_HEAD = 0;
const DATA_OFFSET = 2;
/** Offsets in a sample: struct perf_event_header, the u64 time, the u32 length of the raw data, the data. */
const TYPE_AT = 0;
const SIZE_AT = 6;
const TIME_AT = 8;
const RAW_SIZE_AT = 16;
const RAW_AT = 20;

const CONTROL_BYTES = 4096;
const DATA_BYTES = 128 * 1024;

/** The `known` bits that the btf backend sets; see bpf/process.h. */
const HEAD_KNOWN = KNOWN_PPID | KNOWN_START | KNOWN_CGROUP | KNOWN_NS_PID | KNOWN_EFFECTIVE | KNOWN_PARENT_START;
const EXEC_KNOWN = HEAD_KNOWN | KNOWN_EXE | KNOWN_ARGS | KNOWN_OLD_COMM;
const EXIT_KNOWN = HEAD_KNOWN | KNOWN_STATUS | KNOWN_CPU | KNOWN_RSS | KNOWN_FAULTS | KNOWN_IO;

const PARENT = { pid: 999, comm: "sh" };
/** Pids are used again after this many processes. */
const PIDS = 30_000;
const FIRST_PID = 1_000;
const CGROUP_ID = 4_711;
/** From a process's fork to its exec and to its exit. */
const EXEC_AFTER_NS = 150_000n;
const EXIT_AFTER_NS = 2_000_000n;
/** CPU time that the scheduler has not yet accounted at the exit. */
const UNACCOUNTED_NS = 20_000n;

/** Programs as a workload runs them, with short arguments. */
const PROGRAMS = [
  { path: ["usr", "bin", "ls"], args: ["ls", "-l", "/usr/bin"] },
  { path: ["usr", "bin", "find"], args: ["find", "/etc", "-maxdepth", "1"] },
  { path: ["usr", "bin", "ps"], args: ["ps", "-e"] },
  { path: ["usr", "bin", "sha256sum"], args: ["sha256sum", "/etc/passwd"] },
] as const;

/** Offsets of the records of a process in the data. */
interface MadeProcess {
  forkAt: number;
  execAt: number;
  exitAt: number;
}

/**
 * A perf ring in memory of this process with records like those of the kernel: fork, exec and exit of one process after
 * the other. Each `fill` writes the records of the next processes.
 */
export class MadeRing {
  /** The memory that a reader maps: the control page, then the data. */
  readonly mapping = new ArrayBuffer(CONTROL_BYTES + DATA_BYTES);
  readonly #control = new BigUint64Array(this.mapping, CONTROL_AT, 3);
  readonly #data = new DataView(this.mapping, CONTROL_BYTES);
  readonly #bytes = new Uint8Array(this.mapping, CONTROL_BYTES);
  readonly #processes: MadeProcess[] = [];
  readonly #intervalNs: bigint;
  #made = 0;
  #nowNs: bigint;

  /** @param fromNs when the first process starts, CLOCK_BOOTTIME; the next ones follow every `intervalNs` */
  constructor(fromNs: number, intervalNs: number) {
    this.#nowNs = BigInt(Math.round(fromNs));
    this.#intervalNs = BigInt(Math.round(intervalNs));
    this.#control[DATA_OFFSET] = BigInt(CONTROL_BYTES);
    this.#layOut();
  }

  /** Number of records that `fill` writes. */
  get records(): number {
    return 3 * this.#processes.length;
  }

  /** Time of the last record. */
  get nowNs(): number {
    return Number(this.#nowNs);
  }

  /** Fills the ring. The reader must have read all records before. */
  fill(): void {
    for (const process of this.#processes) this.#put(process);
    this.#control[DATA_HEAD] = (this.#control[DATA_HEAD] as bigint) + BigInt(DATA_BYTES);
  }

  /** Writes the parts that are the same in each filling. */
  #layOut(): void {
    let at = 0;
    for (let i = 0; ; i++) {
      const program = PROGRAMS[i % PROGRAMS.length] as (typeof PROGRAMS)[number];
      const comm = program.args[0];
      // The kernel side sends the path leaf first.
      const path = text(program.path.toReversed());
      const args = text(program.args);
      const records = [
        record(PROCESS_EVENT.size, EVENT_FORK, HEAD_KNOWN, PARENT.comm),
        execRecord(comm, path, args),
        exitRecord(comm),
      ];
      const sizes = records.map(({ length }) => sampleBytes(length));
      const size = sizes.reduce((sum, each) => sum + each, 0);
      if (at + size > DATA_BYTES) break;
      const places = records.map((bytes, k) => {
        const place = at;
        this.#sample(place, sizes[k] as number, bytes);
        at += sizes[k] as number;
        return place + RAW_AT;
      });
      const [forkAt, execAt, exitAt] = places as [number, number, number];
      this.#processes.push({ forkAt, execAt, exitAt });
    }
    // The rest is one record of a type that a reader skips.
    if (at < DATA_BYTES) this.#header(at, PERF_RECORD_COMM, DATA_BYTES - at);
  }

  #header(at: number, type: number, size: number): void {
    this.#data.setUint32(at + TYPE_AT, type, true);
    this.#data.setUint16(at + SIZE_AT, size, true);
  }

  #sample(at: number, size: number, bytes: Uint8Array): void {
    this.#header(at, PERF_RECORD_SAMPLE, size);
    // The kernel's length of the raw data includes the padding.
    this.#data.setUint32(at + RAW_SIZE_AT, size - RAW_AT, true);
    this.#bytes.set(bytes, at + RAW_AT);
  }

  #put({ forkAt, execAt, exitAt }: MadeProcess): void {
    const pid = FIRST_PID + (this.#made++ % PIDS);
    this.#nowNs += this.#intervalNs;
    const startNs = this.#nowNs;
    for (const [at, tsNs] of [
      [forkAt, startNs],
      [execAt, startNs + EXEC_AFTER_NS],
      [exitAt, startNs + EXIT_AFTER_NS],
    ] as const) {
      this.#data.setUint32(at + PROCESS_EVENT.pid, pid, true);
      this.#data.setUint32(at + PROCESS_EVENT.ns_pid, pid, true);
      this.#data.setBigUint64(at + PROCESS_EVENT.start_ns, startNs, true);
      this.#data.setBigUint64(at + PROCESS_EVENT.ts_ns, tsNs, true);
      this.#data.setBigUint64(at - RAW_AT + TIME_AT, tsNs, true);
    }
    this.#data.setUint32(execAt + EXEC_EVENT.old_tid, pid, true);
    this.#data.setBigUint64(exitAt + EXIT_EVENT.accounted_ns, startNs + EXIT_AFTER_NS - UNACCOUNTED_NS, true);
  }
}

/** Length of a sample with `length` bytes of raw data, padding included. */
function sampleBytes(length: number): number {
  return 8 * Math.ceil((RAW_AT + length) / 8);
}

/** The pieces in UTF-8, each with a NUL at its end. */
function text(pieces: readonly string[]): Uint8Array {
  return new TextEncoder().encode(pieces.map((piece) => `${piece}\0`).join(""));
}

/** A record of `size` bytes with its head filled in. */
function record(size: number, type: number, known: number, comm: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(PROCESS_EVENT.type, type);
  view.setUint32(PROCESS_EVENT.known, known, true);
  view.setUint32(PROCESS_EVENT.ppid, PARENT.pid, true);
  view.setBigUint64(PROCESS_EVENT.parent_start_ns, 1_000_000_000n, true);
  view.setBigUint64(PROCESS_EVENT.cgroup_id, BigInt(CGROUP_ID), true);
  bytes.set(new TextEncoder().encode(comm.slice(0, COMM_LEN - 1)), PROCESS_EVENT.comm);
  return bytes;
}

function execRecord(comm: string, path: Uint8Array, args: Uint8Array): Uint8Array {
  const bytes = record(EXEC_EVENT.size + path.length + args.length, EVENT_EXEC, EXEC_KNOWN, comm);
  const view = new DataView(bytes.buffer);
  view.setUint32(EXEC_EVENT.args_total, args.length, true);
  view.setUint16(EXEC_EVENT.exe_len, path.length, true);
  view.setUint16(EXEC_EVENT.args_len, args.length, true);
  bytes.set(new TextEncoder().encode(PARENT.comm), EXEC_EVENT.old_comm);
  bytes.set(path, EXEC_EVENT.size);
  bytes.set(args, EXEC_EVENT.size + path.length);
  return bytes;
}

function exitRecord(comm: string): Uint8Array {
  const bytes = record(EXIT_EVENT.size, EVENT_EXIT, EXIT_KNOWN, comm);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(EXIT_EVENT.utime_ns, 800_000n, true);
  view.setBigUint64(EXIT_EVENT.stime_ns, 900_000n, true);
  view.setBigUint64(EXIT_EVENT.runtime_ns, 1_700_000n, true);
  view.setBigUint64(EXIT_EVENT.peak_rss_bytes, 3_800_000n, true);
  view.setBigUint64(EXIT_EVENT.minor_faults, 210n, true);
  return bytes;
}
