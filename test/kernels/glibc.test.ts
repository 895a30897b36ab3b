import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LIBRARIES = join(import.meta.dir, "../../.build/lib");

/** Newest minor version of glibc 2 whose symbols a library asks for; the names of versions lie in it as they are. */
function glibcMinor(path: string): number {
  const versions = [...readFileSync(path, "latin1").matchAll(/GLIBC_2\.(\d+)/g)];
  return Math.max(0, ...versions.map(([, minor]) => Number(minor)));
}

describe("the libraries that linnix carries", () => {
  // Debian 12 has 2.36, Ubuntu 22.04 2.35, RHEL 9 2.34.
  test("ask for no newer glibc than 2.33", () => {
    const names = readdirSync(LIBRARIES);
    expect(names.toSorted()).toEqual(["libbpf.so.1", "libelf.so.1", "libz.so.1"]);
    const tooNew = names.filter((name) => glibcMinor(join(LIBRARIES, name)) > 33);
    expect(tooNew).toEqual([]);
    // The search does find what they ask for.
    for (const name of names) expect(glibcMinor(join(LIBRARIES, name))).toBeGreaterThan(0);
  });
});
