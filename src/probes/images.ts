import type { BpfObject } from "../bpf/bpf-object.ts";
import { ENDED_EVENT, MAX_PATH_BYTES } from "../wire/layout.gen.ts";
import { needsPreallocation } from "./process-maps.ts";

/**
 * Number of images (path and arguments) that the kernel side can store at a time, at the level of detail `processes`.
 */
export interface ImageRoom {
  /** All images, including the large ones. */
  images: number;
  /** Images whose path and arguments are too long for an entry of the first map. */
  largeImages: number;
}

/**
 * The default room for images. Kernels before 6.1 allocate the memory for all images when linnix starts, at every level
 * of detail. Later kernels allocate it when it is used.
 * @param release as `uname -r` prints it
 */
export function imageRoom(release: string): ImageRoom {
  return needsPreallocation(release) ? { images: 4096, largeImages: 128 } : { images: 16_384, largeImages: 512 };
}

/**
 * Sizes the maps of bpf/images.h. Call it before the object is loaded. @param maxArgsBytes 0: no arguments are stored
 */
export function sizeImageMaps(object: BpfObject, room: ImageRoom, maxArgsBytes: number): void {
  const bytes = largeImageBytes(maxArgsBytes);
  object.setMaxEntries("images", room.images);
  object.setMaxEntries("large_images", room.largeImages);
  object.setValueSize("large_images", bytes);
  object.setValueSize("ended_scratches", ENDED_EVENT.size + bytes);
}

/** Maximum memory of the images, bytes: the data, and an estimate of the kernel's memory for elements and buckets. */
export function imageBytes({ images, largeImages }: ImageRoom, maxArgsBytes: number): number {
  return images * (256 + 8 + ELEMENT_BYTES) + largeImages * (largeImageBytes(maxArgsBytes) + 8 + ELEMENT_BYTES);
}

/** Bytes of struct htab_elem and struct bucket, rounded up. */
const ELEMENT_BYTES = 64;

function largeImageBytes(maxArgsBytes: number): number {
  return MAX_PATH_BYTES + Math.ceil(maxArgsBytes / 8) * 8;
}
