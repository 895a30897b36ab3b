import { closeSync } from "node:fs";
import { type BpfProgramInfo, bpfError, readProgramInfo } from "./bpf-programs.ts";
import { BPF_CMD, BpfAttr, bpf } from "./cost-bpf.ts";

const BPF_PROG_TYPE_SOCKET_FILTER = 1;
/** `r0 = 0; exit`: two instructions of 8 bytes (code, registers, offset, immediate). */
const EMPTY_PROGRAM = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
/** A test run of a socket filter needs at least an Ethernet header. */
const PACKET = new Uint8Array(64);

/**
 * A BPF program that does nothing. It is not attached, but runs on demand (BPF_PROG_TEST_RUN). As a control, it shows
 * how much time it takes to run any program and to count its runs.
 */
export class EmptyProgram implements Disposable {
  #fd: number | null;

  constructor() {
    const attr = new BpfAttr()
      .setU32(0, BPF_PROG_TYPE_SOCKET_FILTER)
      .setU32(4, EMPTY_PROGRAM.length / 8)
      .setPointer(8, EMPTY_PROGRAM)
      .setPointer(16, new TextEncoder().encode("MIT\0"));
    attr.bytes.set(new TextEncoder().encode("linnix_empty"), 48);
    const fd = bpf(BPF_CMD.progLoad, attr);
    if (fd < 0) throw bpfError("load a BPF program", fd);
    this.#fd = fd;
  }

  /** Runs it in the kernel. @returns mean time of one run, which the kernel reports in whole nanoseconds */
  run(times: number): number {
    const attr = new BpfAttr()
      .setU32(0, this.#open())
      .setU32(8, PACKET.length)
      .setPointer(16, PACKET)
      .setU32(32, times);
    const result = bpf(BPF_CMD.progTestRun, attr);
    if (result < 0) throw bpfError("run a BPF program", result);
    return attr.getU32(36);
  }

  info(): BpfProgramInfo {
    return readProgramInfo(this.#open());
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    if (this.#fd === null) throw new Error("closed");
    return this.#fd;
  }
}
