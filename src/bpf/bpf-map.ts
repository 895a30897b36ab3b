/** Writes to BPF maps, copies them, and maps them into memory. */
import { checkLibbpf, lastErrno, NativeError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { addressOf, type Pointer, viewOf } from "../sys/native.ts";
import { pageBytes, pagesFor } from "../sys/page-size.ts";
import { libbpf } from "./libbpf.ts";

/** Sets `key` to `value`. Both have the layout of the map's types. */
export function updateMap(mapFd: number, key: NodeJS.TypedArray, value: NodeJS.TypedArray): void {
  checkLibbpf("bpf_map_update_elem", libbpf().bpf_map_update_elem(mapFd, addressOf(key), addressOf(value), 0n));
}

/** Removes `key`. Returns false if the map does not have the key, or if this process lacks the privilege. */
export function deleteFromMap(mapFd: number, key: NodeJS.TypedArray): boolean {
  return libbpf().bpf_map_delete_elem(mapFd, addressOf(key)) === 0;
}

const ENOENT = 2;
const ENOSPC = 28;
const ENOMEM = 12;
const E2BIG = 7;

/** Whether an update failed because the map has no room for one more element, or the kernel no memory. */
export function isFull(error: unknown): boolean {
  return error instanceof NativeError && (error.errno === E2BIG || error.errno === ENOMEM);
}

/** A map of a loaded object. */
export interface BpfMap {
  fd: number;
  maxEntries: number;
  keyBytes: number;
  valueBytes: number;
}

/**
 * Copies all entries of a hash map into another map with the same types, by two system calls. Needs Linux 5.6.
 */
export function copyHashMap(from: BpfMap, to: BpfMap): void {
  const { bpf_map_lookup_batch, bpf_map_update_batch } = libbpf();
  const entries = from.maxEntries;
  const keys = new Uint8Array(entries * from.keyBytes);
  const values = new Uint8Array(entries * from.valueBytes);
  const count = new Uint32Array([entries]);
  // Where the next call would continue. There is no next call, because the buffer has room for all entries.
  const position = new BigUint64Array(1);
  const looked = bpf_map_lookup_batch(
    from.fd,
    null,
    addressOf(position),
    addressOf(keys),
    addressOf(values),
    addressOf(count),
    null,
  );
  // ENOENT: the lookup reached the end of the map.
  if (looked !== -ENOENT) checkLibbpf("bpf_map_lookup_batch", looked);
  if (count[0] === 0) return;
  const updated = bpf_map_update_batch(to.fd, addressOf(keys), addressOf(values), addressOf(count), null);
  checkLibbpf("bpf_map_update_batch", updated);
}

/** A hash map used as a set of u32 keys. Its values are single bytes without a meaning. */
export class PidSet {
  readonly #fd: number;
  readonly #keys: Uint32Array;
  readonly #values: Uint8Array;
  readonly #key = new Uint32Array(1);
  readonly #value = new Uint8Array(1);
  readonly #count = new Uint32Array(1);
  /** Where the next call continues. */
  readonly #position = new Uint32Array(2);

  /** @param most maximum number of keys that `list` returns */
  constructor(fd: number, most: number) {
    this.#fd = fd;
    this.#keys = new Uint32Array(most);
    this.#values = new Uint8Array(most);
  }

  /**
   * Returns keys of the set, up to the maximum, by one system call. Needs Linux 5.6.
   * @throws NativeError if the kernel refuses the call
   */
  list(): Uint32Array {
    this.#count[0] = this.#keys.length;
    const looked = libbpf().bpf_map_lookup_batch(
      this.#fd,
      null,
      addressOf(this.#position),
      addressOf(this.#keys),
      addressOf(this.#values),
      addressOf(this.#count),
      null,
    );
    // ENOENT: the lookup reached the end of the map. ENOSPC: one bucket has more keys than there is room for.
    if (looked !== -ENOENT && looked !== -ENOSPC) checkLibbpf("bpf_map_lookup_batch", looked);
    return this.#keys.subarray(0, this.#count[0]);
  }

  /** Returns false also if the kernel refuses the lookup. */
  has(pid: number): boolean {
    this.#key[0] = pid;
    return libbpf().bpf_map_lookup_elem(this.#fd, addressOf(this.#key), addressOf(this.#value)) === 0;
  }

  delete(pid: number): void {
    this.#key[0] = pid;
    libbpf().bpf_map_delete_elem(this.#fd, addressOf(this.#key));
  }
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/** The memory of a BPF_F_MMAPABLE array. Reads and writes make no system call. */
export class MappedArray implements Disposable {
  /** The values of the array, one after the other. */
  readonly bytes: ArrayBuffer;
  readonly #length: number;
  #address: Pointer | null;

  /**
   * @param isWritable whether `bytes` may be written to
   * @throws NativeError when the map cannot be mapped
   */
  constructor(mapFd: number, lengthBytes: number, isWritable = false) {
    this.#length = pagesFor(lengthBytes) * pageBytes();
    const address = Number(
      libc().mmap(null, this.#length, isWritable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, mapFd, 0n),
    );
    // MAP_FAILED is (void *) -1.
    if (address < 0 || address > 2 ** 63) throw new NativeError("mapping a BPF array", lastErrno());
    this.#address = address as Pointer;
    this.bytes = viewOf(this.#address, lengthBytes);
  }

  /** `bytes` must not be read after this. */
  close(): void {
    if (this.#address === null) return;
    libc().munmap(this.#address, this.#length);
    this.#address = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
