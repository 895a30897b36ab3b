/**
 * What processes execute: path and arguments as raw bytes, packed into a few
 * large chunks, each image shared by all processes that run it (a fork shares
 * its parent's). Kept off the JavaScript heap's back: a hundred thousand images
 * are no objects.
 *
 * An image is a block of 64-byte units: a head (references u32, exe length u16,
 * arguments length u16, flags u32), the path, the arguments. Blocks come in
 * sizes of powers of two; free ones of a size hang together in a list.
 */
const UNIT_BYTES = 64;
const CHUNK_BYTES = 256 * 1024;
const UNITS_PER_CHUNK = CHUNK_BYTES / UNIT_BYTES;
const SIZE_CLASSES = 10; // 64 B to 32 KiB
const HEAD_BYTES = 12;
const REFERENCES = 0;
const EXE_LENGTH = 2; // in u16
const ARGS_LENGTH = 3; // in u16
const FLAGS = 2; // in u32

/** No image: the process's executable is not known. */
export const NO_IMAGE = 0;

export class ImageStore {
  readonly #u8: Uint8Array[] = [];
  readonly #u16: Uint16Array[] = [];
  readonly #u32: Uint32Array[] = [];
  /** Next free unit that was never used; unit 0 stays unused, so that 0 names no image. */
  #fresh = 1;
  /** First free block of each size class; 0: none. */
  readonly #free = new Int32Array(SIZE_CLASSES);
  #count = 0;

  /** Images held. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of memory taken for images, used or free. */
  get bytes(): number {
    return this.#u8.length * CHUNK_BYTES;
  }

  /**
   * Makes room for an image with one reference; the caller writes
   * `exeLength + argsLength` bytes to `bytes(image)` from `start(image)` on.
   */
  create(exeLength: number, argsLength: number, flags: number): number {
    const sizeClass = classOf(HEAD_BYTES + exeLength + argsLength);
    const image = this.#free[sizeClass] || this.#allocate(sizeClass);
    const u32 = this.#words(image);
    const at = wordOf(image);
    if (this.#free[sizeClass] === image) this.#free[sizeClass] = u32[at] as number;
    u32[at + REFERENCES] = 1;
    u32[at + FLAGS] = flags;
    const u16 = this.#u16[chunkOf(image)] as Uint16Array;
    u16[2 * at + EXE_LENGTH] = exeLength;
    u16[2 * at + ARGS_LENGTH] = argsLength;
    this.#count++;
    return image;
  }

  /** The chunk that holds the image. */
  bytesOf(image: number): Uint8Array {
    return this.#u8[chunkOf(image)] as Uint8Array;
  }

  /** Where in `bytesOf(image)` the path starts; the arguments follow it. */
  exeStart(image: number): number {
    return 4 * wordOf(image) + HEAD_BYTES;
  }

  exeLength(image: number): number {
    return (this.#u16[chunkOf(image)] as Uint16Array)[2 * wordOf(image) + EXE_LENGTH] as number;
  }

  argsLength(image: number): number {
    return (this.#u16[chunkOf(image)] as Uint16Array)[2 * wordOf(image) + ARGS_LENGTH] as number;
  }

  /** The `FLAG_…` bits of the exec record. */
  flags(image: number): number {
    return this.#words(image)[wordOf(image) + FLAGS] as number;
  }

  /** One more process runs this image. */
  share(image: number): number {
    if (image !== NO_IMAGE) {
      const u32 = this.#words(image);
      const at = wordOf(image) + REFERENCES;
      u32[at] = (u32[at] as number) + 1;
    }
    return image;
  }

  /** One process less runs it; the last one's release frees it. */
  release(image: number): void {
    if (image === NO_IMAGE) return;
    const u32 = this.#words(image);
    const at = wordOf(image);
    const references = (u32[at + REFERENCES] as number) - 1;
    if (references > 0) {
      u32[at + REFERENCES] = references;
      return;
    }
    const sizeClass = classOf(HEAD_BYTES + this.exeLength(image) + this.argsLength(image));
    u32[at] = this.#free[sizeClass] as number;
    this.#free[sizeClass] = image;
    this.#count--;
  }

  #words(image: number): Uint32Array {
    return this.#u32[chunkOf(image)] as Uint32Array;
  }

  #allocate(sizeClass: number): number {
    const units = 2 ** sizeClass;
    // A block lies in one chunk; what is left at a chunk's end is given up.
    if ((this.#fresh % UNITS_PER_CHUNK) + units > UNITS_PER_CHUNK) {
      this.#fresh = Math.ceil(this.#fresh / UNITS_PER_CHUNK) * UNITS_PER_CHUNK;
    }
    const image = this.#fresh;
    while (chunkOf(image) >= this.#u8.length) {
      const chunk = new ArrayBuffer(CHUNK_BYTES);
      this.#u8.push(new Uint8Array(chunk));
      this.#u16.push(new Uint16Array(chunk));
      this.#u32.push(new Uint32Array(chunk));
    }
    this.#fresh += units;
    return image;
  }
}

function chunkOf(image: number): number {
  return Math.floor(image / UNITS_PER_CHUNK);
}

/** Index of the image's first 32-bit word in its chunk. */
function wordOf(image: number): number {
  return (image % UNITS_PER_CHUNK) * (UNIT_BYTES / 4);
}

/** Smallest c with 64 · 2^c ≥ bytes. */
function classOf(bytes: number): number {
  return bytes <= UNIT_BYTES ? 0 : 32 - Math.clz32((bytes - 1) >>> 6);
}
