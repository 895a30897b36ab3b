import { expect, test } from "bun:test";
import { autoRingBytes } from "../../src/config/ring-size.ts";

const KIB = 1024;
const ALL = 16 * 1024 * KIB;

test("automatic rings, for 1 to 1,024 CPUs", () => {
  for (let cpus = 1; cpus <= 1024; cpus++) {
    const bytes = autoRingBytes(cpus);
    expect([cpus, bytes]).toEqual([cpus, (cpus <= 64 ? 256 : cpus <= 128 ? 128 : 64) * KIB]);
    expect(Number.isInteger(Math.log2(bytes))).toBe(true);
    // The largest that fits, within its bounds.
    expect(bytes === 64 * KIB || cpus * bytes <= ALL).toBe(true);
    expect(bytes === 256 * KIB || 2 * cpus * bytes > ALL).toBe(true);
  }
});
