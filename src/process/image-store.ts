import { splitArguments, textOf } from "../json/text.ts";
import { ARGS_CUT, EXE_CUT, KNOWN_ARGS, KNOWN_EXE } from "../wire/layout.gen.ts";

/**
 * Stores what processes execute: path and arguments as raw bytes, packed into slabs. A child shares the image of its
 * parent until it calls exec. Images are not JavaScript objects, because there can be a hundred thousand of them.
 *
 * An image is a block of 16-byte units: a head (references u32, exe length u16, arguments length u16, flags u32), the
 * path, the arguments. A slab has blocks of one size only, so that an empty slab is released as a whole.
 */
const UNIT_BYTES = 16;
const UNITS_PER_SLAB = 4096;
const MAX_SLAB_BYTES = UNITS_PER_SLAB * UNIT_BYTES;
/**
 * The first slab of a size is small, so that a few images of many sizes take little memory. Further slabs are large,
 * because the runtime allocates memory of its own for each slab.
 */
const FIRST_SLAB_BYTES = 16 * 1024;
/** Block sizes above 128 bytes step by a quarter of a power of two, so at most a fifth of such a block is unused. */
const SIZE_CLASSES = 41;
const HEAD_BYTES = 12;
const REFERENCES = 0;
const EXE_LENGTH = 2; // in u16
const ARGS_LENGTH = 3; // in u16
const FLAGS = 2; // in u32

/** No image: the process's executable is not known. */
export const NO_IMAGE = 0;

/** Maximum number of bytes of path and arguments together that an image can hold. */
export const MAX_STORED_BYTES = MAX_SLAB_BYTES / 2 - HEAD_BYTES;

const NO_BLOCK = -1;

/** A piece of memory cut into blocks of one size. */
class Slab {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  used = 0;
  /** Unit of the first released block. The first word of each released block is the unit of the next one. */
  free = NO_BLOCK;
  /** Unit of the first block that was never used. */
  fresh = 0;
  /** Neighbours among the slabs of this size that have room. */
  previous: Slab | undefined;
  next: Slab | undefined;

  constructor(
    /** Index in `ImageStore.#slabs`. */
    readonly index: number,
    readonly sizeClass: number,
    readonly blockUnits: number,
    isFirst: boolean,
  ) {
    const blockBytes = blockUnits * UNIT_BYTES;
    const bytes = isFirst ? Math.min(MAX_SLAB_BYTES, Math.max(FIRST_SLAB_BYTES, 4 * blockBytes)) : MAX_SLAB_BYTES;
    const memory = new ArrayBuffer(bytes - (bytes % blockBytes));
    this.u8 = new Uint8Array(memory);
    this.u16 = new Uint16Array(memory);
    this.u32 = new Uint32Array(memory);
  }

  get isFull(): boolean {
    return this.free === NO_BLOCK && 4 * (this.fresh + this.blockUnits) > this.u32.length;
  }

  /** @returns the unit of a block; the slab must have room */
  take(): number {
    this.used++;
    let unit = this.free;
    if (unit !== NO_BLOCK) {
      this.free = this.u32[4 * unit] as number;
      if (this.free === 0xffffffff) this.free = NO_BLOCK;
      return unit;
    }
    unit = this.fresh;
    this.fresh += this.blockUnits;
    return unit;
  }

  give(unit: number): void {
    this.used--;
    this.u32[4 * unit] = this.free;
    this.free = unit;
  }
}

export class ImageStore {
  /** By index, from 1 on, so that no image has the number 0. */
  readonly #slabs: (Slab | undefined)[] = [undefined];
  readonly #freeIndexes: number[] = [];
  /** For each size: the first slab that has room. */
  readonly #open: (Slab | undefined)[] = new Array(SIZE_CLASSES).fill(undefined);
  /** Number of slabs of each size. */
  readonly #slabCounts = new Uint32Array(SIZE_CLASSES);
  #bytes = 0;
  #count = 0;

  /** Number of images in the store. */
  get count(): number {
    return this.#count;
  }

  /** Memory that is allocated for images, used or free, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Makes room for an image with one reference; the caller writes
   * `exeLength + argsLength` bytes (at most `MAX_STORED_BYTES`) to
   * `bytesOf(image)` from `exeStart(image)` on.
   */
  create(exeLength: number, argsLength: number, flags: number): number {
    const sizeClass = classOf(HEAD_BYTES + exeLength + argsLength);
    const slab = this.#open[sizeClass] ?? this.#newSlab(sizeClass);
    const unit = slab.take();
    if (slab.isFull) this.#unlink(slab);
    const word = 4 * unit;
    slab.u32[word + REFERENCES] = 1;
    slab.u32[word + FLAGS] = flags;
    slab.u16[2 * word + EXE_LENGTH] = exeLength;
    slab.u16[2 * word + ARGS_LENGTH] = argsLength;
    this.#count++;
    return slab.index * UNITS_PER_SLAB + unit;
  }

  /** The memory that holds the image. */
  bytesOf(image: number): Uint8Array {
    return this.#slabOf(image).u8;
  }

  /** Where in `bytesOf(image)` the path starts; the arguments follow it. */
  exeStart(image: number): number {
    return 4 * wordOf(image) + HEAD_BYTES;
  }

  exeLength(image: number): number {
    return this.#slabOf(image).u16[2 * wordOf(image) + EXE_LENGTH] as number;
  }

  argsLength(image: number): number {
    return this.#slabOf(image).u16[2 * wordOf(image) + ARGS_LENGTH] as number;
  }

  /** The bits of `enum known` that describe the executable and its arguments. */
  flags(image: number): number {
    return this.#slabOf(image).u32[wordOf(image) + FLAGS] as number;
  }

  /** Path of the executable; null when not known. */
  exeText(image: number): string | null {
    if (image === NO_IMAGE || !(this.flags(image) & KNOWN_EXE)) return null;
    const start = this.exeStart(image);
    return textOf(this.bytesOf(image).subarray(start, start + this.exeLength(image)));
  }

  /** Whether `exeText` is the end of a longer path; null when it is not known. */
  exeTruncated(image: number): boolean | null {
    const flags = image === NO_IMAGE ? 0 : this.flags(image);
    return flags & KNOWN_EXE ? (flags & EXE_CUT) !== 0 : null;
  }

  /** The arguments; null when not known. */
  argsText(image: number): string[] | null {
    if (image === NO_IMAGE || !(this.flags(image) & KNOWN_ARGS)) return null;
    const start = this.exeStart(image) + this.exeLength(image);
    return splitArguments(this.bytesOf(image).subarray(start, start + this.argsLength(image)));
  }

  /** Whether arguments are missing from `argsText`; null when the arguments are not known. */
  argsTruncated(image: number): boolean | null {
    const flags = image === NO_IMAGE ? 0 : this.flags(image);
    return flags & KNOWN_ARGS ? (flags & ARGS_CUT) !== 0 : null;
  }

  /** One more process runs this image. */
  share(image: number): number {
    if (image !== NO_IMAGE) {
      const { u32 } = this.#slabOf(image);
      const at = wordOf(image) + REFERENCES;
      u32[at] = (u32[at] as number) + 1;
    }
    return image;
  }

  /** One process fewer runs this image. The last release frees it. */
  release(image: number): void {
    if (image === NO_IMAGE) return;
    const slab = this.#slabOf(image);
    const at = wordOf(image) + REFERENCES;
    const references = (slab.u32[at] as number) - 1;
    if (references > 0) {
      slab.u32[at] = references;
      return;
    }
    const wasFull = slab.isFull;
    slab.give(image % UNITS_PER_SLAB);
    this.#count--;
    if (wasFull) this.#link(slab);
    // An empty slab stays unless another slab of its size has room. A single image then does not allocate it
    // repeatedly.
    if (slab.used === 0 && (slab.previous || slab.next)) this.#freeSlab(slab);
  }

  #slabOf(image: number): Slab {
    return this.#slabs[image >>> 12] as Slab;
  }

  #newSlab(sizeClass: number): Slab {
    const index = this.#freeIndexes.pop() ?? this.#slabs.length;
    const slabs = this.#slabCounts[sizeClass] as number;
    const slab = new Slab(index, sizeClass, unitsOf(sizeClass), slabs === 0);
    this.#slabCounts[sizeClass] = slabs + 1;
    this.#slabs[index] = slab;
    this.#bytes += slab.u8.length;
    this.#link(slab);
    return slab;
  }

  #freeSlab(slab: Slab): void {
    this.#unlink(slab);
    this.#slabs[slab.index] = undefined;
    this.#freeIndexes.push(slab.index);
    this.#slabCounts[slab.sizeClass] = (this.#slabCounts[slab.sizeClass] as number) - 1;
    this.#bytes -= slab.u8.length;
  }

  #link(slab: Slab): void {
    const first = this.#open[slab.sizeClass];
    slab.previous = undefined;
    slab.next = first;
    if (first) first.previous = slab;
    this.#open[slab.sizeClass] = slab;
  }

  #unlink(slab: Slab): void {
    if (slab.previous) slab.previous.next = slab.next;
    else this.#open[slab.sizeClass] = slab.next;
    if (slab.next) slab.next.previous = slab.previous;
    slab.previous = undefined;
    slab.next = undefined;
  }
}

/** Index of the image's first 32-bit word in its slab. */
function wordOf(image: number): number {
  return (image % UNITS_PER_SLAB) * (UNIT_BYTES / 4);
}

/** The size class of a block for `bytes`: one class for each size up to 8 units, then four for each power of two. */
function classOf(bytes: number): number {
  const last = (bytes - 1) >>> 4;
  if (last < 8) return last;
  const power = 31 - Math.clz32(last);
  return 8 + 4 * (power - 3) + ((last >>> (power - 2)) - 4);
}

/** Units of a block of that class. */
function unitsOf(sizeClass: number): number {
  if (sizeClass < 8) return sizeClass + 1;
  const power = 3 + ((sizeClass - 8) >> 2);
  return (5 + ((sizeClass - 8) & 3)) << (power - 2);
}
