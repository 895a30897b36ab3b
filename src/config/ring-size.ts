import type { RingSettings } from "./sections/ring.ts";

/**
 * Maximum size of all rings together, bytes. On a machine with very many CPUs, the smallest size of a ring exceeds it.
 */
const ALL_RINGS_BYTES = 16 * 1024 * 1024;
const SMALLEST_AUTO_BYTES = 64 * 1024;
export const LARGEST_AUTO_BYTES = 256 * 1024;

/**
 * Data area of each CPU's ring for the size `auto`, bytes: 256 KiB; with more than 64 CPUs 128 KiB, with more than 128
 * CPUs 64 KiB.
 * @param cpus how many CPUs get a ring
 */
export function autoRingBytes(cpus: number): number {
  const share = 2 ** Math.floor(Math.log2(ALL_RINGS_BYTES / Math.max(1, cpus)));
  return Math.min(LARGEST_AUTO_BYTES, Math.max(SMALLEST_AUTO_BYTES, share));
}

/**
 * The size in force, bytes. An automatic size is at least the watermark that is set, so that the same file is valid on
 * machines with any number of CPUs.
 * @param cpus returns how many CPUs get a ring; called only if the size is `auto`
 */
export function ringBytesOf({ sizeBytes, watermarkBytes }: RingSettings, cpus: () => number): number {
  if (sizeBytes !== "auto") return sizeBytes;
  const bytes = autoRingBytes(cpus());
  return watermarkBytes === "auto" ? bytes : Math.max(bytes, 2 ** Math.ceil(Math.log2(watermarkBytes)));
}
