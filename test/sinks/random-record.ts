/** Records with random values in every field, for comparisons that must hold for any record. */
import type { Prng } from "../../src/stats/prng.ts";
import {
  COMM_LEN,
  EXE_WHOLE,
  IMAGE_HERE,
  KNOWN_AUID,
  KNOWN_EFFECTIVE,
  KNOWN_EXEC_COUNT,
  KNOWN_PARENT_START,
  MISSED_EXEC,
} from "../../src/wire/layout.gen.ts";
import {
  ALL_FLAGS,
  EXIT_KNOWN,
  endedRecord,
  execRecord,
  exitRecord,
  forkRecord,
  type Head,
  pathComponents,
} from "../wire/make-record.ts";

/** A number of up to `bits` bits; each length is equally likely. */
function randomBig(prng: Prng, bits = 64): bigint {
  const value = (BigInt(prng.uint32()) << 32n) | BigInt(prng.uint32());
  return value & ((1n << BigInt(prng.index(bits + 1))) - 1n);
}

const PIECES = [
  "a",
  "0",
  " ",
  '"',
  "\\",
  "/",
  "\n",
  "\t",
  "\x1b",
  "\x7f",
  "\x80",
  "é",
  "\u2028",
  "\ufeff",
  "漢",
  "😀",
  "\ud7ff",
];
const ILL_FORMED = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
];

/** Text, ill-formed text, control characters, or any bytes; with NULs only if `nuls` is true. */
export function randomText(prng: Prng, maxBytes: number, nuls = false): Uint8Array {
  const anything = prng.index(4) === 0;
  const bytes: number[] = [];
  const length = prng.index(maxBytes + 1);
  while (bytes.length < length) {
    if (anything) bytes.push(prng.index(256));
    else if (nuls && prng.index(6) === 0) bytes.push(0);
    else if (prng.index(12) === 0) bytes.push(...(ILL_FORMED[prng.index(ILL_FORMED.length)] as number[]));
    else bytes.push(...Buffer.from(PIECES[prng.index(PIECES.length)] as string));
  }
  return Uint8Array.from(bytes.slice(0, length), (byte) => (byte === 0 && !nuls ? 1 : byte));
}

export function randomRecord(prng: Prng): Uint8Array {
  // Few pids, so that most events find their process in the table.
  const head: Head = {
    flags: prng.uint32() & (ALL_FLAGS | KNOWN_EFFECTIVE | KNOWN_AUID | KNOWN_PARENT_START),
    cpu: prng.index(4) === 0 ? prng.index(65536) : prng.index(4),
    pid: prng.index(20) === 0 ? prng.uint32() : prng.index(16),
    ppid: prng.index(20) === 0 ? prng.uint32() : prng.index(16),
    ns_pid: prng.uint32() >>> prng.index(32),
    uid: prng.uint32() >>> prng.index(32),
    gid: prng.uint32() >>> prng.index(32),
    ts_ns: randomBig(prng),
    start_ns: prng.index(4) === 0 ? randomBig(prng) : BigInt(prng.index(3)),
    cgroup_id: randomBig(prng),
    comm: randomText(prng, COMM_LEN, true),
  };
  const type = prng.index(4);
  if (type === 0) return forkRecord(head);
  const image = () => {
    const path = randomText(prng, prng.index(10) === 0 ? 4000 : 60);
    const isWhole = (head.flags ?? 0) & EXE_WHOLE;
    const exe = isWhole
      ? Buffer.concat([path, new Uint8Array(prng.index(2))])
      : pathComponents(Buffer.concat([Buffer.from("/"), path]));
    return { exe, args: randomText(prng, prng.index(10) === 0 ? 10_000 : 100, true) };
  };
  if (type === 1) {
    const old_comm = prng.index(2) === 0 ? {} : { old_comm: randomText(prng, COMM_LEN, true) };
    return execRecord({ ...head, ...old_comm, ...image(), old_tid: prng.uint32() });
  }
  // Figures are mostly so small that their sums are exact in a double; some are larger, and then rounded.
  const figure = () => randomBig(prng, prng.index(10) === 0 ? 64 : 52);
  const exit = {
    ...head,
    status: prng.index(65536),
    known: prng.uint32() & EXIT_KNOWN,
    utime_ns: figure(),
    stime_ns: figure(),
    runtime_ns: figure(),
    accounted_ns: figure(),
    peak_rss_bytes: figure(),
    minor_faults: figure(),
    major_faults: figure(),
    read_bytes: figure(),
    write_bytes: figure(),
  };
  if (type === 2) return exitRecord(exit);
  const more = {
    born_ns: prng.index(2) * prng.index(1000),
    exec_count: prng.uint32(),
    image_pid: prng.index(16),
    image_start_ns: BigInt(prng.index(3)),
  };
  const flags = (head.flags ?? 0) | (prng.uint32() & (KNOWN_EXEC_COUNT | IMAGE_HERE | MISSED_EXEC));
  return endedRecord({ ...exit, ...more, ...image(), flags });
}
