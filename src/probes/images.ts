import type { BpfObject } from "../bpf/bpf-object.ts";
import { ENDED_EVENT, MAX_PATH_BYTES } from "../wire/layout.gen.ts";
import { needsPreallocation } from "./process-maps.ts";

/** Processes whose path and arguments the kernel side keeps at a time, at the level of detail `processes`. */
export interface ImageRoom {
  /** All of them. */
  images: number;
  /** Images whose path and arguments are too long for an entry of the first map. */
  largeImages: number;
}

/**
 * How many there is room for. Earlier kernels take the memory for all of them when linnix starts, at every level of
 * detail; the others take it when it is used.
 * @param release as `uname -r` says it
 */
export function imageRoom(release: string): ImageRoom {
  return needsPreallocation(release) ? { images: 4096, largeImages: 128 } : { images: 16_384, largeImages: 512 };
}

/** Sizes the maps of bpf/images.h; before the object is loaded. @param maxArgsBytes 0: no arguments are kept */
export function sizeImageMaps(object: BpfObject, room: ImageRoom, maxArgsBytes: number): void {
  const bytes = largeImageBytes(maxArgsBytes);
  object.setMaxEntries("images", room.images);
  object.setMaxEntries("large_images", room.largeImages);
  object.setValueSize("large_images", bytes);
  object.setValueSize("ended_scratches", ENDED_EVENT.size + bytes);
}

/** Maximum memory that the images take, bytes: data, and about what the kernel needs for an element and its bucket. */
export function imageBytes({ images, largeImages }: ImageRoom, maxArgsBytes: number): number {
  return images * (256 + 8 + ELEMENT_BYTES) + largeImages * (largeImageBytes(maxArgsBytes) + 8 + ELEMENT_BYTES);
}

/** Of struct htab_elem and struct bucket, rounded up. */
const ELEMENT_BYTES = 64;

function largeImageBytes(maxArgsBytes: number): number {
  return MAX_PATH_BYTES + Math.ceil(maxArgsBytes / 8) * 8;
}
