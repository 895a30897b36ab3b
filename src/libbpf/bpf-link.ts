/** Attached programs. The kernel detaches a program when the last descriptor of its link is closed, also by SIGKILL. */
import { closeSync } from "node:fs";
import type { BpfObject } from "./bpf-object.ts";
import { checkLibbpf, checkLibc, checkPointer } from "./errno.ts";
import { libbpf } from "./libbpf.ts";
import { libc } from "./libc.ts";
import { addressOf, type Pointer } from "./native.ts";

/** One attached program; `close()` detaches it. */
export class BpfLink implements Disposable {
  #link: Pointer | null;

  private constructor(link: Pointer) {
    this.#link = link;
  }

  /** Attaches by the program's own section name (`tp_btf/…`, `iter/…`). */
  static attach(object: BpfObject, program: string): BpfLink {
    return new BpfLink(checkPointer(`attaching ${program}`, libbpf().bpf_program__attach(object.program(program))));
  }

  /**
   * Attaches to a classic tracepoint by the id that its `id` file in tracefs gives.
   * libbpf would look for tracefs in its usual place by itself, where it need not be mounted.
   */
  static attachTracepoint(object: BpfObject, program: string, tracepointId: number): BpfLink {
    const fd = openTracepoint(tracepointId);
    const link = libbpf().bpf_program__attach_perf_event(object.program(program), fd);
    if (link === null) closeSync(fd);
    // From here on the link owns the descriptor.
    return new BpfLink(checkPointer(`attaching ${program}`, link));
  }

  get fd(): number {
    if (this.#link === null) throw new Error("this link is closed");
    return libbpf().bpf_link__fd(this.#link);
  }

  close(): void {
    if (this.#link === null) return;
    libbpf().bpf_link__destroy(this.#link);
    this.#link = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** include/uapi/linux/perf_event.h */
const PERF_TYPE_TRACEPOINT = 2;
const PERF_FLAG_FD_CLOEXEC = 8n;
const PERF_EVENT_OPEN: Record<string, bigint> = { x64: 298n, arm64: 241n };

/** perf_event_open(2) of a tracepoint; the program runs on every CPU whatever CPU is named. */
function openTracepoint(id: number): number {
  const attributes = new BigUint64Array(14); // PERF_ATTR_SIZE_VER5
  attributes[0] = BigInt(PERF_TYPE_TRACEPOINT) | (BigInt(attributes.byteLength) << 32n);
  attributes[1] = BigInt(id);
  const call = PERF_EVENT_OPEN[process.arch];
  if (call === undefined) throw new Error(`perf_event_open has no known number on ${process.arch}`);
  const everyTask = -1n;
  const fd = libc().syscall(call, BigInt(addressOf(attributes)), everyTask, 0n, -1n, PERF_FLAG_FD_CLOEXEC);
  return checkLibc("perf_event_open", Number(fd));
}

/** A new read of an iterator program: a descriptor to read records from until it ends. */
export function openIterator(link: BpfLink): number {
  return checkLibbpf("bpf_iter_create", libbpf().bpf_iter_create(link.fd));
}
