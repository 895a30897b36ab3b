import { lastErrno, NativeError } from "../sys/errno.ts";
import { systemCall } from "../sys/libc.ts";
import { addressOf } from "../sys/native.ts";

/**
 * Larger than `union bpf_attr` is today. The kernel accepts a larger size if the part that it does not know is zero.
 */
const ATTR_BYTES = 152;

/** Commands of bpf(2) that linnix calls without libbpf; include/uapi/linux/bpf.h, `enum bpf_cmd`. */
export const BPF_CMD = {
  progLoad: 5,
  progTestRun: 10,
  progGetNextId: 11,
  progGetFdById: 13,
  mapGetFdById: 14,
  objGetInfoByFd: 15,
  taskFdQuery: 20,
  enableStats: 32,
} as const;

/**
 * A `union bpf_attr`, filled by byte offset. It keeps every buffer that it points to alive as long as it lives itself.
 */
export class BpfAttr {
  readonly bytes = new Uint8Array(ATTR_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #buffers: NodeJS.TypedArray[] = [];
  /** The first access to the `buffer` of a small array moves its memory. `#view` made it, so this address is final. */
  readonly at = addressOf(this.bytes);

  setU32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  setPointer(offset: number, buffer: NodeJS.TypedArray): this {
    this.#view.setBigUint64(offset, this.address(buffer), true);
    return this;
  }

  /**
   * Returns the address of a buffer, for a pointer outside of this `bpf_attr`. Keeps the buffer alive as long as this
   * object.
   */
  address(buffer: NodeJS.TypedArray): bigint {
    this.#buffers.push(buffer);
    return BigInt(addressOf(buffer));
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

/** bpf(2) itself. @returns the result of the command (a file descriptor, or 0), or the negative error number */
export function bpf(cmd: (typeof BPF_CMD)[keyof typeof BPF_CMD], attr: BpfAttr): number {
  const result = systemCall("bpf", cmd, attr.at, ATTR_BYTES);
  return result === -1 ? -lastErrno() : result;
}

/** include/uapi/linux/bpf.h */
const BPF_F_TEST_RUN_ON_CPU = 1;

/**
 * Runs a program of type raw_tp once, on that CPU. Needs Linux 5.10.
 * @throws NativeError when the kernel does not let it run, or the CPU is offline
 */
export function runOnCpu(programFd: number, cpu: number): void {
  const context = new BigUint64Array(2);
  // struct test of union bpf_attr: prog_fd, ctx_size_in, ctx_in, flags, cpu.
  const attr = new BpfAttr().setU32(0, programFd).setU32(40, context.byteLength).setPointer(48, context);
  const result = bpf(BPF_CMD.progTestRun, attr.setU32(64, BPF_F_TEST_RUN_ON_CPU).setU32(68, cpu));
  if (result < 0) throw new NativeError("running a BPF program on a CPU", -result);
}

/** A loaded program of type syscall, to be run repeatedly. A run allocates nothing. */
export class BpfRun {
  readonly #attr: BpfAttr;

  /**
   * @param context argument of the program, which may write to it. Its `buffer` must have been accessed before: see
   *   `BpfAttr.at`
   */
  constructor(programFd: number, context: Uint8Array) {
    // struct test of union bpf_attr: prog_fd, ctx_size_in, ctx_in.
    this.#attr = new BpfAttr().setU32(0, programFd).setU32(40, context.length).setPointer(48, context);
  }

  /**
   * @returns what the program returned
   * @throws NativeError when the kernel does not let it run
   */
  run(): number {
    const result = bpf(BPF_CMD.progTestRun, this.#attr);
    if (result < 0) throw new NativeError("running a BPF program", -result);
    return this.#attr.getU32(4) | 0;
  }
}
