import { describe, expect, test } from "bun:test";
import { boottimeOffsetOf, readTimeNamespace, unknownOffset } from "../../src/sys/time-namespace.ts";

const OWN = "/proc/self/ns/time";
const CHILDREN = "/proc/self/ns/time_for_children";
const OFFSETS = "monotonic           5         0\nboottime         -600 500000000\n";

function read(links: Record<string, string>, offsets: string | null = OFFSETS) {
  return readTimeNamespace({ readLink: (path) => links[path] ?? null, readText: () => offsets });
}

describe("the offset of the time namespace", () => {
  test("is 0 in the initial namespace, and on a kernel without time namespaces", () => {
    expect(read({ [OWN]: "time:[4026531834]", [CHILDREN]: "time:[4026532177]" }).boottimeOffsetNs).toBe(0n);
    expect(read({}).boottimeOffsetNs).toBe(0n);
  });

  test("is that of the boot-time clock in another namespace", () => {
    const links = { [OWN]: "time:[4026532177]", [CHILDREN]: "time:[4026532177]" };
    expect(read(links)).toEqual({ isInitial: false, boottimeOffsetNs: -599_500_000_000n });
  });

  test("is unknown if the file is missing, invalid, or about the children alone", () => {
    const own = { [OWN]: "time:[4026532177]" };
    for (const namespace of [
      read({ ...own, [CHILDREN]: "time:[4026532177]" }, null),
      read({ ...own, [CHILDREN]: "time:[4026532177]" }, "nothing\n"),
      read({ ...own, [CHILDREN]: "time:[4026532178]" }),
    ]) {
      expect(namespace.boottimeOffsetNs).toBeNull();
      expect(unknownOffset(namespace)?.hint).toContain("nsenter");
    }
  });

  test("is found by the clock's name, and by its number on the first kernels with the file", () => {
    expect(boottimeOffsetOf("monotonic  1 0\nboottime  86400 7\n")).toBe(86_400_000_000_007n);
    expect(boottimeOffsetOf("1 1 0\n7 -3 0\n")).toBe(-3_000_000_000n);
    expect(boottimeOffsetOf("monotonic  1 0\n")).toBeNull();
  });
});
