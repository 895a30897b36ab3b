/** Attached programs. The kernel detaches a program when the last descriptor of its link is closed, also by SIGKILL. */
import { closeSync } from "node:fs";
import { possibleCpus } from "../sys/cpus.ts";
import { checkLibbpf, checkLibc, NativeError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { addressOf, type Pointer } from "../sys/native.ts";
import type { BpfObject } from "./bpf-object.ts";
import { libbpf } from "./libbpf.ts";
import { openPerfEvent } from "./perf-event.ts";

/** include/uapi/linux/bpf.h: enum bpf_attach_type. */
const BPF_TRACE_RAW_TP = 23;
const BPF_TRACE_ITER = 28;
const BPF_PERF_EVENT = 41;

/** One attached program; `close()` detaches it. */
export class BpfLink implements Disposable {
  #fd: number | null;
  readonly #perfEvent: number | null;

  /** @param perfEvent the perf event that the program is attached to, if closing the link must close it as well */
  private constructor(fd: number, perfEvent: number | null = null) {
    this.#fd = fd;
    this.#perfEvent = perfEvent;
  }

  /** Attaches a program of a loaded object by its own section name (`tp_btf/…`, `iter/…`). */
  static attach(object: BpfObject, program: string): BpfLink {
    const { fd, attachType } = object.program(program);
    if (attachType === BPF_TRACE_RAW_TP) {
      return new BpfLink(checkLibbpf(`attaching ${program}`, libbpf().bpf_raw_tracepoint_open(null, fd)));
    }
    if (attachType !== BPF_TRACE_ITER) throw new Error(`linnix does not know how to attach ${program}`);
    return new BpfLink(checkLibbpf(`attaching ${program}`, libbpf().bpf_link_create(fd, 0, BPF_TRACE_ITER, null)));
  }

  /** Attaches a program of section `raw_tp/…` to the tracepoint of that name. */
  static attachRawTracepoint(object: BpfObject, program: string, tracepoint: string): BpfLink {
    const name = new TextEncoder().encode(`${tracepoint}\0`);
    const fd = libbpf().bpf_raw_tracepoint_open(addressOf(name), object.programFd(program));
    return new BpfLink(checkLibbpf(`attaching ${program}`, fd));
  }

  /**
   * Attaches to a classic tracepoint by the id from its `id` file in tracefs. libbpf would read that file itself, but
   * only at the usual mount point of tracefs, where it may not be mounted.
   */
  static attachTracepoint(object: BpfObject, program: string, tracepointId: number): BpfLink {
    const event = openTracepoint(tracepointId);
    try {
      const programFd = object.programFd(program);
      // Before Linux 5.15 there are no links to perf events, so the program is attached to the event itself.
      const fd = libbpf().bpf_link_create(programFd, event, BPF_PERF_EVENT, null);
      if (fd < 0) {
        const set = libc().ioctl(event, PERF_EVENT_IOC_SET_BPF, programFd as unknown as Pointer);
        checkLibc(`attaching ${program}`, set);
      }
      return fd < 0 ? new BpfLink(event) : new BpfLink(fd, event);
    } catch (error) {
      closeSync(event);
      throw error;
    }
  }

  get fd(): number {
    if (this.#fd === null) throw new Error("this link is closed");
    return this.#fd;
  }

  close(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    if (this.#perfEvent !== null) closeSync(this.#perfEvent);
    this.#fd = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** include/uapi/linux/perf_event.h */
const PERF_TYPE_TRACEPOINT = 2;
const PERF_EVENT_IOC_SET_BPF = 0x40042408n;

/** Opens a perf event of a tracepoint. The program runs on every CPU, whatever the CPU of the event is. */
function openTracepoint(id: number): number {
  const attributes = new BigUint64Array(14); // PERF_ATTR_SIZE_VER5
  attributes[0] = BigInt(PERF_TYPE_TRACEPOINT) | (BigInt(attributes.byteLength) << 32n);
  attributes[1] = BigInt(id);
  let offline: unknown;
  for (const cpu of possibleCpus()) {
    try {
      return openPerfEvent(attributes, cpu);
    } catch (error) {
      // This CPU is offline. Any other CPU works as well.
      if (!(error instanceof NativeError && error.code === "ENODEV")) throw error;
      offline = error;
    }
  }
  throw offline;
}

/** Starts a pass of an iterator program. Returns a descriptor from which its records can be read. */
export function openIterator(link: BpfLink): number {
  return checkLibbpf("bpf_iter_create", libbpf().bpf_iter_create(link.fd));
}
