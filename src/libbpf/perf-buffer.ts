/**
 * libbpf's perf buffer: one ring a CPU, mapped here. libbpf opens and frees it;
 * the rings are read in place (`perf_buffer__buffer`), since a callback a record
 * would cost more than all the rest.
 */

import { JSCallback } from "bun:ffi";
import { checkLibbpf, checkLibc, checkPointer } from "./errno.ts";
import { libbpf } from "./libbpf.ts";
import { libc } from "./libc.ts";
import { addressOf, type Pointer, viewOf } from "./native.ts";
import { pageBytes, pagesFor } from "./page-size.ts";

/** include/uapi/linux/perf_event.h */
const PERF_TYPE_SOFTWARE = 1;
const PERF_COUNT_SW_BPF_OUTPUT = 10n;
const PERF_SAMPLE_TIME = 1n << 2n;
const PERF_SAMPLE_RAW = 1n << 10n;
const ATTRIBUTE_WATERMARK = 1n << 14n;

/** include/uapi/asm-generic/fcntl.h */
const F_SETFL = 4;
const F_SETOWN = 8;
const O_ASYNC = 0o20000n;

export interface PerfBufferOptions {
  /** Data bytes a CPU: a power of two; less than a page is made up to one. */
  ringBytes: number;
  /** SIGIO is sent when so many bytes wait in one ring. */
  watermarkBytes: number;
}

function eventAttributes(watermarkBytes: number): BigUint64Array {
  const attributes = new BigUint64Array(14); // PERF_ATTR_SIZE_VER5
  attributes[0] = BigInt(PERF_TYPE_SOFTWARE) | (BigInt(attributes.byteLength) << 32n); // type, size
  attributes[1] = PERF_COUNT_SW_BPF_OUTPUT; // config
  attributes[2] = 1n; // sample_period
  attributes[3] = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW; // sample_type
  attributes[5] = ATTRIBUTE_WATERMARK;
  attributes[6] = BigInt(watermarkBytes); // wakeup_watermark
  return attributes;
}

/** The rings of all CPUs that are online. */
export class PerfBuffer implements Disposable {
  /** Each ring's mapping: the control page, then the data. Not to be touched after `close()`. */
  readonly rings: readonly ArrayBuffer[];
  #buffer: Pointer | null;
  readonly #unused: JSCallback;

  /** @throws NativeError: EPERM without the privilege, EMFILE, ENOMEM… */
  constructor(mapFd: number, options: PerfBufferOptions) {
    // Never called, for libbpf's own reading is not used, but libbpf wants one.
    this.#unused = new JSCallback(() => 0, { args: ["ptr", "i32", "ptr"], returns: "i32" });
    const attributes = eventAttributes(options.watermarkBytes);
    const pages = pagesFor(options.ringBytes);
    this.#buffer = checkPointer(
      "perf_buffer__new_raw",
      libbpf().perf_buffer__new_raw(mapFd, pages, addressOf(attributes), this.#unused.ptr, null, null),
    );
    try {
      const count = libbpf().perf_buffer__buffer_cnt(this.#buffer);
      this.rings = Array.from({ length: count }, (_, index) => this.#map(index));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #map(index: number): ArrayBuffer {
    const address = new BigUint64Array(1);
    const size = new BigUint64Array(1);
    const result = libbpf().perf_buffer__buffer(this.#open, index, addressOf(address), addressOf(size));
    checkLibbpf("perf_buffer__buffer", result);
    return viewOf(Number(address[0]) as Pointer, pageBytes() + Number(size[0]));
  }

  get #open(): Pointer {
    if (this.#buffer === null) throw new Error("this perf buffer is closed");
    return this.#buffer;
  }

  /** From now on this process gets SIGIO whenever a ring crosses its watermark. */
  signalOnWatermark(): void {
    for (let index = 0; index < this.rings.length; index++) {
      const fd = checkLibbpf("perf_buffer__buffer_fd", libbpf().perf_buffer__buffer_fd(this.#open, index));
      checkLibc("fcntl F_SETOWN", libc().fcntl(fd, F_SETOWN, BigInt(process.pid)));
      checkLibc("fcntl O_ASYNC", libc().fcntl(fd, F_SETFL, O_ASYNC));
    }
  }

  close(): void {
    if (this.#buffer === null) return;
    libbpf().perf_buffer__free(this.#buffer);
    this.#buffer = null;
    this.#unused.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
