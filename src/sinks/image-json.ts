import type { ByteWriter, Piece } from "../json/byte-writer.ts";
import { type ImageStore, NO_IMAGE } from "../process/image-store.ts";
import { ARGS_CUT, EXE_CUT, KNOWN_ARGS, KNOWN_EXE } from "../wire/layout.gen.ts";

/** Bytes for the names of the fields. */
const NAMES_BYTES = 96;

/**
 * Writes the path and the arguments of an executed program, and whether each is truncated, under these names. Unknown
 * values are null. Reserves room for these fields and for `reserve` bytes more.
 */
export function putImage(
  images: ImageStore,
  image: number,
  out: ByteWriter,
  reserve: number,
  exe: Piece,
  args: Piece,
  argsCut: Piece,
  exeCut: Piece,
): void {
  const flags = image === NO_IMAGE ? 0 : images.flags(image);
  out.reserve(NAMES_BYTES);
  out.put(exe);
  if (flags & KNOWN_EXE) {
    const start = images.exeStart(image);
    // The stored path may include the NUL that ends it.
    let end = start + images.exeLength(image);
    if (end > start && images.bytesOf(image)[end - 1] === 0) end--;
    out.string(images.bytesOf(image), start, end);
    out.reserve(NAMES_BYTES);
  } else {
    out.null();
  }
  out.put(args);
  if (flags & KNOWN_ARGS) {
    const start = images.exeStart(image) + images.exeLength(image);
    putArguments(images.bytesOf(image), start, start + images.argsLength(image), out);
    out.reserve(NAMES_BYTES + reserve);
    out.put(argsCut);
    out.boolean((flags & ARGS_CUT) !== 0);
  } else {
    out.null();
    out.reserve(NAMES_BYTES + reserve);
    out.put(argsCut);
    out.null();
  }
  out.put(exeCut);
  if (flags & KNOWN_EXE) out.boolean((flags & EXE_CUT) !== 0);
  else out.null();
}

function putArguments(bytes: Uint8Array, start: number, stop: number, out: ByteWriter): void {
  out.reserve(6 * (stop - start) + 3 * (stop - start) + 16);
  out.byte(0x5b);
  for (let from = start; from < stop; ) {
    let end = from;
    while (end < stop && bytes[end] !== 0) end++;
    if (from > start) out.byte(0x2c);
    out.string(bytes, from, end);
    from = end + 1;
  }
  out.byte(0x5d);
}
