/** Builds small BTF files, as a kernel with the given features has them (Documentation/bpf/btf.rst). */
export interface BtfOptions {
  little?: boolean;
  /** Parameters of the sched_process_exit tracepoint, including the leading `void *`; 0 omits the tracepoint. */
  exitParameters?: number;
  taskIterator?: boolean;
  taskStorage?: boolean;
  processWalk?: boolean;
  cgroupTracepoint?: boolean;
  bootClock?: boolean;
  memcgAccounting?: boolean;
  enableStats?: boolean;
  /** Adds a type of unknown kind before all other types. */
  unknownKind?: boolean;
}

const KIND = { int: 1, pointer: 2, struct: 4, enum: 6, typedef: 8, prototype: 13 } as const;

export function encodeBtf(options: BtfOptions = {}): Uint8Array {
  const {
    little = true,
    exitParameters = 3,
    taskIterator = true,
    taskStorage = true,
    processWalk = true,
    cgroupTracepoint = true,
    bootClock = true,
    memcgAccounting = true,
    enableStats = true,
    unknownKind = false,
  } = options;
  const types: number[][] = [];
  let strings = "\0";

  const name = (text: string) => {
    const offset = strings.length;
    strings += `${text}\0`;
    return offset;
  };
  const add = (kind: number, nameOffset: number, vlen: number, sizeOrType: number, tail: number[] = []) => {
    types.push([nameOffset, (kind << 24) | vlen, sizeOrType, ...tail]);
    return types.length;
  };
  const struct = (text: string, members: string[]) =>
    add(
      KIND.struct,
      name(text),
      members.length,
      8 * members.length,
      members.flatMap((member) => [name(member), 1, 0]),
    );
  const tracepoint = (event: string, parameters: number) => {
    const tail = Array.from({ length: parameters }, () => [0, 1]).flat();
    const prototype = add(KIND.prototype, 0, parameters, 0, tail);
    const pointer = add(KIND.pointer, 0, 0, prototype);
    add(KIND.typedef, name(`btf_trace_sched_process_${event}`), 0, pointer);
  };

  if (unknownKind) add(31, 0, 0, 0);
  add(KIND.int, name("long unsigned int"), 0, 8, [64]);
  struct("task_struct", ["pid", ...(taskStorage ? ["bpf_storage"] : [])]);
  if (taskIterator) struct("bpf_iter__task", ["meta", "task"]);
  const helpers = [
    bootClock ? "BPF_FUNC_ktime_get_boot_ns" : "BPF_FUNC_ktime_get_ns",
    memcgAccounting ? "BPF_FUNC_ktime_get_coarse_ns" : "BPF_FUNC_jiffies64",
    enableStats ? "BPF_ENABLE_STATS" : "BPF_PROG_LOAD",
  ];
  add(
    KIND.enum,
    name("bpf_func_id"),
    helpers.length,
    4,
    helpers.flatMap((helper, value) => [name(helper), value]),
  );
  if (processWalk) add(KIND.prototype, name("bpf_iter_task_new"), 0, 0);
  if (cgroupTracepoint) add(KIND.typedef, name("btf_trace_cgroup_mkdir"), 0, 0);
  tracepoint("fork", 3);
  tracepoint("exec", 4);
  if (exitParameters > 0) tracepoint("exit", exitParameters);

  const words = types.flat();
  const headerBytes = 24;
  const bytes = new Uint8Array(headerBytes + words.length * 4 + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, little);
  view.setUint8(2, 1);
  const header = [headerBytes, 0, words.length * 4, words.length * 4, strings.length];
  for (const [index, word] of header.entries()) view.setUint32(4 + index * 4, word, little);
  for (const [index, word] of words.entries()) view.setUint32(headerBytes + index * 4, word, little);
  bytes.set(new TextEncoder().encode(strings), headerBytes + words.length * 4);
  return bytes;
}
