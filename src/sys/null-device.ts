import type { Stats } from "node:fs";

/** Device 1:3, Documentation/admin-guide/devices.txt of the kernel. */
const NULL_DEVICE = (1 << 8) + 3;

/** Whether the file is /dev/null, under any name. */
export function isNullDevice(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === NULL_DEVICE;
}
