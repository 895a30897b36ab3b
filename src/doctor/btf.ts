/**
 * Reads as much of a kernel's BTF as is needed to know what that kernel supports.
 * Format: Documentation/bpf/btf.rst of the kernel sources.
 */

/** The kernel's features according to its BTF. A feature that a distribution backported is true as well. */
export interface BtfFeatures {
  /** Each of sched_process_fork, _exec and _exit has a BTF tracepoint (5.5). */
  processTracepoints: boolean;
  /** `sched_process_exit` reports which thread is the last; null if its type could not be resolved. */
  exitHasGroupDead: boolean | null;
  /** `iter/task` programs (5.8). */
  taskIterator: boolean;
  /** Task storage maps in tracing programs (5.13); null if the type could not be resolved. */
  taskStorage: boolean | null;
  /** BPF programs can walk the list of processes without an iterator, `bpf_iter_task_new` (6.7). */
  processWalk: boolean;
  /** There is a BTF tracepoint for each new cgroup. */
  cgroupTracepoint: boolean;
  /** `bpf_ktime_get_boot_ns` (5.8). */
  bootClock: boolean;
  /** Maps are charged to the memory cgroup instead of RLIMIT_MEMLOCK (5.11). */
  memcgAccounting: boolean;
  /** `BPF_ENABLE_STATS`: statistics that are on while a file descriptor is open (5.8). */
  enableStats: boolean;
}

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;

const KIND_STRUCT = 4;
const KIND_TYPEDEF = 8;
const KIND_FUNC_PROTO = 13;

/** Bytes that follow `struct btf_type`, by kind: a fixed number, and a number for each of the `vlen` members. */
const TAIL_BYTES: Record<number, [fixed: number, each: number]> = {
  1: [4, 0], // INT
  2: [0, 0], // PTR
  3: [12, 0], // ARRAY
  4: [0, 12], // STRUCT
  5: [0, 12], // UNION
  6: [0, 8], // ENUM
  7: [0, 0], // FWD
  8: [0, 0], // TYPEDEF
  9: [0, 0], // VOLATILE
  10: [0, 0], // CONST
  11: [0, 0], // RESTRICT
  12: [0, 0], // FUNC
  13: [0, 8], // FUNC_PROTO
  14: [4, 0], // VAR
  15: [0, 12], // DATASEC
  16: [0, 0], // FLOAT
  17: [4, 0], // DECL_TAG
  18: [0, 0], // TYPE_TAG
  19: [0, 12], // ENUM64
};

/** The features that `bytes` (the whole of `/sys/kernel/btf/vmlinux`) show; null if they are not BTF. */
export function readBtfFeatures(bytes: Uint8Array): BtfFeatures | null {
  const btf = openBtf(bytes);
  if (btf === null) return null;
  return {
    processTracepoints: ["fork", "exec", "exit"].every((event) => btf.nameAt(`btf_trace_sched_process_${event}`) > 0),
    exitHasGroupDead: exitHasGroupDead(btf),
    taskIterator: btf.nameAt("bpf_iter__task") > 0,
    // 5.11 added the map type and the helper only for LSM programs. The member moved to task_struct when tracing
    // programs got them too.
    taskStorage: structHas(btf, "task_struct", "bpf_storage"),
    processWalk: btf.nameAt("bpf_iter_task_new") > 0,
    cgroupTracepoint: btf.nameAt("btf_trace_cgroup_mkdir") > 0,
    bootClock: btf.nameAt("BPF_FUNC_ktime_get_boot_ns") > 0,
    // BTF has no name for this feature. The helper came with the same release, and libbpf also checks for the helper.
    memcgAccounting: btf.nameAt("BPF_FUNC_ktime_get_coarse_ns") > 0,
    enableStats: btf.nameAt("BPF_ENABLE_STATS") > 0,
  };
}

interface Btf {
  view: DataView;
  little: boolean;
  typesStart: number;
  typesEnd: number;
  /** Offset of a name in the string section; 0 if it is not there. */
  nameAt(name: string): number;
}

function openBtf(bytes: Uint8Array): Btf | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint16(0, true) === MAGIC;
  if (!little && view.getUint16(0, false) !== MAGIC) return null;

  const headerBytes = view.getUint32(4, little);
  const typesStart = headerBytes + view.getUint32(8, little);
  const typesEnd = typesStart + view.getUint32(12, little);
  const stringsStart = headerBytes + view.getUint32(16, little);
  const stringsEnd = stringsStart + view.getUint32(20, little);
  if (typesEnd > bytes.length || stringsEnd > bytes.length) return null;

  const strings = Buffer.from(bytes.buffer, bytes.byteOffset + stringsStart, stringsEnd - stringsStart);
  // Each string ends with NUL. The first string is empty, so there is a NUL before each other string too.
  const nameAt = (name: string) => strings.indexOf(`\0${name}\0`, 0, "latin1") + 1;
  return { view, little, typesStart, typesEnd, nameAt };
}

interface BtfType {
  kind: number;
  vlen: number;
  /** Offset of its name in the string section. */
  name: number;
  /** Size, or id of the type that it refers to. */
  sizeOrType: number;
  /** Offset of its members. */
  tail: number;
}

/** Calls `visit` for the types with ids 1, 2, … until it returns true or a kind is unknown. */
function walkTypes(btf: Btf, visit: (type: BtfType, id: number) => boolean): void {
  let offset = btf.typesStart;
  for (let id = 1; offset + TYPE_BYTES <= btf.typesEnd; id++) {
    const info = btf.view.getUint32(offset + 4, btf.little);
    const type: BtfType = {
      kind: (info >>> 24) & 0x1f,
      vlen: info & 0xffff,
      name: btf.view.getUint32(offset, btf.little),
      sizeOrType: btf.view.getUint32(offset + 8, btf.little),
      tail: offset + TYPE_BYTES,
    };
    const tailBytes = TAIL_BYTES[type.kind];
    if (tailBytes === undefined) return;
    offset = type.tail + tailBytes[0] + tailBytes[1] * type.vlen;
    if (offset > btf.typesEnd || visit(type, id)) return;
  }
}

function typeById(btf: Btf, wanted: number): BtfType | null {
  let found: BtfType | null = null;
  walkTypes(btf, (type, id) => {
    if (id === wanted) found = type;
    return id === wanted;
  });
  return found;
}

function typeByName(btf: Btf, kind: number, name: string): BtfType | null {
  const nameOffset = btf.nameAt(name);
  if (nameOffset === 0) return null;
  let found: BtfType | null = null;
  walkTypes(btf, (type) => {
    const hit = type.kind === kind && type.name === nameOffset;
    if (hit) found = type;
    return hit;
  });
  return found;
}

/**
 * Counts the arguments of the tracepoint. They are in the function type of
 * `typedef void (*btf_trace_sched_process_exit)(void *, struct task_struct *, bool)`:
 * two arguments without `group_dead`, three with it. Null if the type could not be resolved.
 */
function exitHasGroupDead(btf: Btf): boolean | null {
  const typedef = typeByName(btf, KIND_TYPEDEF, "btf_trace_sched_process_exit");
  const pointer = typedef && typeById(btf, typedef.sizeOrType);
  const prototype = pointer && typeById(btf, pointer.sizeOrType);
  return prototype?.kind === KIND_FUNC_PROTO ? prototype.vlen >= 3 : null;
}

function structHas(btf: Btf, structName: string, member: string): boolean | null {
  const struct = typeByName(btf, KIND_STRUCT, structName);
  if (struct === null) return null;
  const wanted = btf.nameAt(member);
  if (wanted === 0) return false;
  for (let i = 0; i < struct.vlen; i++) {
    if (btf.view.getUint32(struct.tail + i * 12, btf.little) === wanted) return true;
  }
  return false;
}
