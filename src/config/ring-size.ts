import type { RingSettings } from "./sections/ring.ts";

/** All rings together take no more than this, unless that leaves a ring less than the smallest size, bytes. */
const ALL_RINGS_BYTES = 16 * 1024 * 1024;
const SMALLEST_AUTO_BYTES = 64 * 1024;
export const LARGEST_AUTO_BYTES = 256 * 1024;

/**
 * Data area of each CPU's ring where the size is `auto`: 256 KiB, less on a machine of more than 64 CPUs, and 64 KiB on
 * one of more than 128. A power of two.
 * @param cpus how many CPUs get a ring
 */
export function autoRingBytes(cpus: number): number {
  const share = 2 ** Math.floor(Math.log2(ALL_RINGS_BYTES / Math.max(1, cpus)));
  return Math.min(LARGEST_AUTO_BYTES, Math.max(SMALLEST_AUTO_BYTES, share));
}

/**
 * The size in force. An automatic one is never below the watermark that is set: the same file is good on machines of
 * any size.
 * @param cpus gives how many CPUs get a ring; called only if the size is `auto`
 */
export function ringBytesOf({ sizeBytes, watermarkBytes }: RingSettings, cpus: () => number): number {
  if (sizeBytes !== "auto") return sizeBytes;
  const bytes = autoRingBytes(cpus());
  return watermarkBytes === "auto" ? bytes : Math.max(bytes, 2 ** Math.ceil(Math.log2(watermarkBytes)));
}
