import { expect, test } from "bun:test";
import { release } from "node:os";
import { assertFloor, belowFloor, type FloorFacts, isOldGlibc, OLDEST_GLIBC_MINOR } from "../src/floor.ts";
import { kernelRelease } from "../src/sys/kernel-version.ts";
import { glibcVersion } from "../src/sys/libc.ts";

const CPUINFO = "model name\t: Some CPU\nflags\t\t: fpu pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm\n";

/** The oldest supported machine, changed by `facts`. */
function machine(facts: Partial<FloorFacts> = {}): FloorFacts {
  return { glibc: `2.${OLDEST_GLIBC_MINOR}`, kernelRelease: "5.10.0-32-cloud-amd64", cpuinfo: CPUINFO, ...facts };
}

test("linnix may run on the oldest supported machine, and on this machine", () => {
  expect(belowFloor(machine())).toBeNull();
  expect(assertFloor).not.toThrow();
});

test("the embedded libraries need glibc 2.28 or older", () => {
  expect(OLDEST_GLIBC_MINOR).toBeLessThanOrEqual(28);
  expect(OLDEST_GLIBC_MINOR).toBeGreaterThan(0);
});

test.each(["2.27", "2.17", "1.99"])("glibc %s is too old", (glibc) => {
  expect(belowFloor(machine({ glibc }))).toMatchObject({ why: expect.stringContaining(`glibc ${glibc} is older`) });
});

test.each(["2.28", "2.31", "2.100", "3.0", "unknown", "", null])("glibc %p is not refused", (glibc) => {
  expect(isOldGlibc(glibc)).toBe(false);
});

test.each(["2.6.32", "3.10.0-1160.el7.x86_64", "4.18.0-553.el8.x86_64", "5.4.0", "5.9.16-foo"])(
  "Linux %s is too old",
  (release) => {
    const text = belowFloor(machine({ kernelRelease: release }));
    expect(text).toMatchObject({ why: `Linux ${release} is older than 5.10`, hint: expect.stringContaining("5.10") });
  },
);

test.each(["5.10", "5.100.1", "6.0", "10.1", "a kernel"])("Linux %s is not refused", (kernelRelease) => {
  expect(belowFloor(machine({ kernelRelease }))).toBeNull();
});

test("a CPU below x86-64-v2 is refused with its missing features; cmpxchg16b is not needed", () => {
  const kvm64 = "flags\t\t: fpu sse sse2 syscall nx lm pni cx16 hypervisor\n";
  expect(belowFloor(machine({ cpuinfo: kvm64 }))).toMatchObject({
    why: "it has no ssse3, sse4_1, sse4_2, popcnt: linnix needs x86-64-v2",
  });
  expect(belowFloor(machine({ cpuinfo: CPUINFO.replace(" cx16", "") }))).toBeNull();
  // The cpuinfo of arm64, and a cpuinfo that cannot be read.
  expect(belowFloor(machine({ cpuinfo: "Features\t: fp asimd\n" }))).toBeNull();
  expect(belowFloor(machine({ cpuinfo: null }))).toBeNull();
});

test("the kernel's release is the older of /proc and uname(2)", () => {
  expect(kernelRelease("6.1.0", "6.1.0")).toBe("6.1.0");
  expect(kernelRelease("6.1.0", "2.6.61")).toBe("2.6.61");
  expect(kernelRelease("5.4.0", "6.1.0")).toBe("5.4.0");
  expect(kernelRelease(null, "6.1.0")).toBe("6.1.0");
  expect(kernelRelease("something", "6.1.0")).toBe("something");
  expect(release()).toMatch(/^\d/);
});

test("glibcVersion returns the version of this process's C library", () => {
  expect(glibcVersion()).toMatch(/^2\.\d+/);
});
