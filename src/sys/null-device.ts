import type { Stats } from "node:fs";

/** Device 1:3, Documentation/admin-guide/devices.txt of the kernel. */
const NULL_DEVICE = (1 << 8) + 3;

/** Whether what is open is /dev/null, by whatever name. */
export function isNullDevice(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === NULL_DEVICE;
}
