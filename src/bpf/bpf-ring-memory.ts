/** The memory of a BPF_MAP_TYPE_RINGBUF map (kernel/bpf/ringbuf.c), mapped into this process. */

import { lastErrno, NativeError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { type Pointer, viewOf } from "../sys/native.ts";
import { pageBytes } from "../sys/page-size.ts";
import type { BpfMap } from "./bpf-map.ts";

const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

export class BpfRingMemory implements Disposable {
  /** Begins with a u64: the position up to which the reader has read. */
  readonly consumer: ArrayBuffer;
  /** Begins with a u64: the position up to which the kernel has written. Not writable. */
  readonly producer: ArrayBuffer;
  /** The records; not writable. */
  readonly data: ArrayBuffer;
  #mapped: { address: Pointer; length: number }[] = [];

  /** @throws NativeError when the map cannot be mapped */
  constructor(map: Pick<BpfMap, "fd" | "maxEntries">) {
    const page = pageBytes();
    try {
      this.consumer = viewOf(this.#map(map.fd, page, PROT_READ_WRITE, 0), page);
      const address = this.#map(map.fd, page + map.maxEntries, PROT_READ, page);
      this.producer = viewOf(address, page);
      this.data = viewOf((address + page) as Pointer, map.maxEntries);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The memory must not be touched after this. */
  close(): void {
    for (const { address, length } of this.#mapped.splice(0)) libc().munmap(address, length);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #map(fd: number, length: number, protection: number, offset: number): Pointer {
    const address = Number(libc().mmap(null, length, protection, MAP_SHARED, fd, BigInt(offset)));
    // MAP_FAILED is (void *) -1.
    if (address < 0 || address > 2 ** 63) throw new NativeError("mapping a BPF ring", lastErrno());
    this.#mapped.push({ address: address as Pointer, length });
    return address as Pointer;
  }
}
