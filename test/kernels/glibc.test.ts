import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { glibcMinor } from "../../scripts/libraries.ts";
import { OLDEST_GLIBC_MINOR } from "../../src/floor.ts";
import { LIBC_SYMBOLS } from "../../src/sys/libc.ts";
import { BINARY, programPath, titled } from "../kernel/support/needs.ts";

const LIBRARIES = join(import.meta.dir, "../../.build/lib");

describe("the libraries in the binary", () => {
  // Debian 11 and Ubuntu 20.04 have glibc 2.31, RHEL 8 has glibc 2.28.
  test("need no newer glibc than 2.28", () => {
    const names = readdirSync(LIBRARIES);
    expect(names.toSorted()).toEqual(["libbpf.so.1", "libelf.so.1", "libz.so.1"]);
    const libraries = names.map((name) => ({ bytes: readFileSync(join(LIBRARIES, name)) }));
    expect(glibcMinor(libraries)).toBeLessThanOrEqual(28);
    expect(OLDEST_GLIBC_MINOR).toBe(glibcMinor(libraries));
    // The search finds versions at all.
    for (const library of libraries) expect(glibcMinor([library])).toBeGreaterThan(0);
  });
});

const noObjdump = programPath("objdump") === null ? "needs objdump" : null;
describe.skipIf(noObjdump !== null)(titled("the binary", noObjdump), () => {
  const objdump = (path: string) => Bun.spawnSync(["objdump", "-T", path], { stdin: null }).stdout.toString();

  test("itself needs no newer glibc than its libraries", () => {
    const needed = [...objdump(process.execPath).matchAll(/\*UND\*.*GLIBC_2\.(\d+)/g)].map(([, minor]) =>
      Number(minor),
    );
    expect(needed.length).toBeGreaterThan(0);
    expect(Math.max(...needed)).toBeLessThanOrEqual(OLDEST_GLIBC_MINOR);
  });

  test("calls no function of a newer glibc than its libraries need", () => {
    const path = /(\/\S*\/libc\.so\.6) \(/.exec(Bun.spawnSync(["ldd", BINARY]).stdout.toString())?.[1] ?? "";
    const first = new Map<string, number>();
    for (const [, minor, name = ""] of objdump(path).matchAll(/GLIBC_2\.(\d+)(?:\.\d+)?\)?\s+(\w+)$/gm)) {
      first.set(name, Math.min(Number(minor), first.get(name) ?? Number.POSITIVE_INFINITY));
    }
    const names = Object.keys(LIBC_SYMBOLS);
    expect(names.filter((name) => (first.get(name) ?? 999) > OLDEST_GLIBC_MINOR)).toEqual([]);
  });
});
