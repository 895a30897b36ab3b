/**
 * The ring of one CPU: a perf event, its memory, and its place in the map that BPF programs write through. linnix reads
 * the records in place, because a callback per record would cost more than everything else.
 */
import { closeSync } from "node:fs";
import { checkLibc, lastErrno, NativeError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { addressOf, type Pointer, viewOf } from "../sys/native.ts";
import { pageBytes, pagesFor } from "../sys/page-size.ts";
import { deleteFromMap, updateMap } from "./bpf-map.ts";
import { openPerfEvent } from "./perf-event.ts";

/** include/uapi/linux/perf_event.h */
const PERF_TYPE_SOFTWARE = 1;
const PERF_COUNT_SW_BPF_OUTPUT = 10n;
const PERF_SAMPLE_TIME = 1n << 2n;
const PERF_SAMPLE_RAW = 1n << 10n;
const PERF_FORMAT_TOTAL_TIME_ENABLED = 1n;
const ATTRIBUTE_WATERMARK = 1n << 14n;

/** include/uapi/asm-generic/fcntl.h */
const F_SETFL = 4;
const F_SETOWN = 8;
const O_ASYNC = 0o20000n;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/**
 * `call` of the `NativeError` if the kernel refuses the memory. EPERM means that the limit of locked memory is
 * exceeded.
 */
export const MAPPING_A_RING = "mapping a ring";

export interface RingSizes {
  /** Data bytes. Rounded up, so that the number of pages is a power of two. */
  ringBytes: number;
  /** SIGIO is sent when this number of bytes waits in the ring. */
  watermarkBytes: number;
}

function eventAttributes(watermarkBytes: number): BigUint64Array {
  const attributes = new BigUint64Array(14); // PERF_ATTR_SIZE_VER5
  attributes[0] = BigInt(PERF_TYPE_SOFTWARE) | (BigInt(attributes.byteLength) << 32n); // type, size
  attributes[1] = PERF_COUNT_SW_BPF_OUTPUT; // config
  attributes[2] = 1n; // sample_period
  attributes[3] = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW; // sample_type
  attributes[4] = PERF_FORMAT_TOTAL_TIME_ENABLED; // read_format
  attributes[5] = ATTRIBUTE_WATERMARK;
  attributes[6] = BigInt(watermarkBytes); // wakeup_watermark
  return attributes;
}

/**
 * The ring of one CPU, mapped into this process. BPF programs on that CPU write to it until the CPU goes offline, or
 * until `leaveMap`.
 */
export class PerfEventRing implements Disposable {
  /** The control page, then the data. It must not be accessed after `close()`. */
  readonly mapping: ArrayBuffer;
  readonly #fd: number;
  readonly #mapFd: number;
  readonly #cpu: number;
  #address: Pointer | null = null;
  #isClosed = false;

  /**
   * Opens the ring, and replaces the previous ring of that CPU in the map.
   * @throws NativeError: ENODEV if the CPU is offline, EACCES or EPERM without the privilege, EMFILE, ENOMEM…
   */
  constructor(mapFd: number, cpu: number, { ringBytes, watermarkBytes }: RingSizes) {
    this.#mapFd = mapFd;
    this.#cpu = cpu;
    this.#fd = openPerfEvent(eventAttributes(watermarkBytes), cpu);
    try {
      const length = (1 + 2 ** Math.ceil(Math.log2(pagesFor(ringBytes)))) * pageBytes();
      const address = Number(libc().mmap(null, length, PROT_READ_WRITE, MAP_SHARED, this.#fd, 0n));
      // MAP_FAILED is (void *) -1.
      if (address < 0 || address > 2 ** 63) throw new NativeError(MAPPING_A_RING, lastErrno());
      this.#address = address as Pointer;
      this.mapping = viewOf(this.#address, length);
      updateMap(mapFd, Uint32Array.of(cpu), Int32Array.of(this.#fd));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Whether programs can write to the ring. The kernel removes the event permanently when its CPU goes offline, and
   * then its enabled time does not grow any more. This interrupts the CPU, so call it rarely.
   */
  isLive(): boolean {
    const before = this.#enabledNs();
    return this.#enabledNs() > before;
  }

  /** From now on this process gets SIGIO when the ring crosses its watermark. */
  signalOnWatermark(): void {
    checkLibc("fcntl F_SETOWN", libc().fcntl(this.#fd, F_SETOWN, BigInt(process.pid)));
    checkLibc("fcntl O_ASYNC", libc().fcntl(this.#fd, F_SETFL, O_ASYNC));
  }

  /**
   * Removes the ring from the map. Without the privilege for that, the map still refers to the event, but not to its
   * memory.
   */
  leaveMap(): void {
    deleteFromMap(this.#mapFd, Uint32Array.of(this.#cpu));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#address !== null) libc().munmap(this.#address, this.mapping.byteLength);
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #enabledNs(): bigint {
    const values = new BigUint64Array(2); // the count, the time
    // A failed read leaves zeros, which do not grow.
    libc().read(this.#fd, addressOf(values), values.byteLength);
    return values[1] as bigint;
  }
}
