import { ptr, read } from "bun:ffi";
import { openLibrary } from "../sys/library.ts";

const { symbols: libc } = openLibrary("libc.so.6", {
  // long syscall(long number, ...)
  syscall: { args: ["i64", "i64", "ptr", "i64"], returns: "i64" },
  // int *__errno_location(void)
  __errno_location: { args: [], returns: "ptr" },
});

/** Number of bpf(2) on the two architectures that Bun runs on. */
const NR_BPF = process.arch === "arm64" ? 280 : 321;
/** Larger than `union bpf_attr` is today; the kernel takes any size whose unknown part is zero. */
const ATTR_BYTES = 152;

/** Commands of bpf(2) that measuring needs; include/uapi/linux/bpf.h, `enum bpf_cmd`. */
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

  setU32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  setPointer(offset: number, buffer: NodeJS.TypedArray): this {
    this.#view.setBigUint64(offset, this.address(buffer), true);
    return this;
  }

  /** Address of a buffer, for a structure that this one points to. */
  address(buffer: NodeJS.TypedArray): bigint {
    this.#buffers.push(buffer);
    return BigInt(ptr(buffer));
  }

  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

/** bpf(2) itself. @returns what the command gives (a file descriptor, or 0), or the negative error number */
export function bpf(cmd: (typeof BPF_CMD)[keyof typeof BPF_CMD], attr: BpfAttr): number {
  const result = Number(libc.syscall(NR_BPF, cmd, attr.bytes, ATTR_BYTES));
  if (result >= 0) return result;
  const errno = libc.__errno_location();
  return errno === null ? result : -read.i32(errno);
}
