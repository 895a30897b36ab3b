import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { mapTouchedPagesOnly } from "../../src/sys/touched-pages.ts";
import { reasonOf, titled } from "../kernel/support/needs.ts";

/** Files of the mappings with userfaultfd for writes (`uw`, proc(5)). */
function watchedFiles(): string[] {
  const mappings = readFileSync("/proc/self/smaps", "latin1").split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  return mappings.filter((text) => /^VmFlags:.* uw\b/m.test(text)).map((text) => /\/.*/.exec(text)?.[0] ?? "");
}

const openFds = () => readdirSync("/proc/self/fd").length;

const [major = 0, minor = 0] = release().split(".").map(Number);
const isOld = major < 6 || (major === 6 && minor < 7);
// A seccomp filter, as in a container.
const isFiltered = !/^Seccomp:\s+0$/m.test(readFileSync("/proc/self/status", "latin1"));

const reason = reasonOf(
  isOld && "needs Linux 6.7",
  isFiltered && "a filter of system calls is on, which usually leaves userfaultfd out",
);

describe("mapping only touched pages", () => {
  test.skipIf(reason !== null)(titled("applies to the executable until it is disposed", reason), () => {
    const fds = openFds();
    {
      using _only = mapTouchedPagesOnly();
      expect(watchedFiles()).toContain(process.execPath);
      expect(openFds()).toBe(fds + 1);
    }
    expect(watchedFiles()).toEqual([]);
    expect(openFds()).toBe(fds);
  });
});
